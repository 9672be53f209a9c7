"""The services of adaptation. They stand with adaptation off too, and say so: a caller learns more than from silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

if TYPE_CHECKING:
    from .adaptation import Adaptation

OFF = ('adaptation is off, or the node is not configured; it is on with the parameter adaptation.enabled:=true '
       '(launch: adapt:=true)')
TRIGGERS = {'reset_adaptation': 'reset', 'rollback': 'rollback', 'save_checkpoint': 'save', 'load_checkpoint': 'load'}


class AdaptationServices:
    """~/pause_adaptation (SetBool) and the TRIGGERS. Answers come at once; the learner does the work afterwards."""

    def __init__(self, node: Node, adaptation: Callable[[], Adaptation | None]) -> None:
        """adaptation: asked at every call; None while there is none."""
        self._adaptation = adaptation
        node.create_service(SetBool, '~/pause_adaptation', self._pause)
        for name, request in TRIGGERS.items():
            node.create_service(Trigger, f'~/{name}', self._trigger(request))

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        adaptation = self._adaptation()
        response.success, response.message = (False, OFF) if adaptation is None else adaptation.pause(request.data)
        return response

    def _trigger(self, request: str) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        def callback(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            adaptation = self._adaptation()
            response.success, response.message = (False, OFF) if adaptation is None else adaptation.ask(request)
            return response
        return callback

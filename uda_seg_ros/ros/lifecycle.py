"""A lifecycle node that always answers: no exception in a transition is lost, no request ends the process.

rclpy of Humble and Jazzy swallows exceptions of transition callbacks, and a requested transition that the present state
does not allow ends the process without an answer (ros2/rclpy#1209). Both are met here.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

SUCCESS, FAILURE, ERROR = (getattr(TransitionCallbackReturn, name) for name in ('SUCCESS', 'FAILURE', 'ERROR'))


class SetupError(Exception):
    """A transition cannot be made, for a reason that the user can mend. The text says what, where and what to do."""


class GuardedLifecycleNode(LifecycleNode):
    """A lifecycle node whose subclass says what to do and raises when it cannot.

    The subclass defines configure(), activate(), deactivate() and release(). A SetupError is logged as one line and leaves
    the state as it was; any other exception is logged with its traceback, everything is released, and the node is
    unconfigured again. release() must work in every state.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.state = 'unconfigured'
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = self._answering(service.callback)

    def configure(self) -> None:
        """Load what is needed. What it acquired before an exception is released by release()."""

    def activate(self) -> None:
        """Begin to work."""

    def deactivate(self) -> None:
        """Stop working; stay ready."""

    def release(self) -> None:
        """Stop and let go of everything."""

    def ended(self) -> bool:
        """Whether the process is to end: what fails from now on is nothing to tell."""
        return not self.context.ok()

    def autostart(self) -> bool:
        """Configure and activate. True if the node is active afterwards."""
        try:
            return self.trigger_configure() == SUCCESS and self.trigger_activate() == SUCCESS
        except Exception:  # RCLError: ROS was shut down meanwhile, so that the new state cannot be published
            if self.ended():
                return False
            raise

    def on_configure(self, _: LifecycleState) -> TransitionCallbackReturn:
        """unconfigured -> inactive."""
        return self._guarded('configure', self.configure, 'inactive', undo=self.release)

    def on_activate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """inactive -> active."""
        return self._guarded('activate', self.activate, 'active', undo=self.deactivate)

    def on_deactivate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """active -> inactive."""
        return self._guarded('deactivate', self.deactivate, 'inactive')

    def on_cleanup(self, _: LifecycleState) -> TransitionCallbackReturn:
        """inactive -> unconfigured."""
        return self._guarded('clean up', self.release, 'unconfigured')

    def on_shutdown(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Any state -> finalized. The process ends with Ctrl-C as before."""
        return self._guarded('shut down', self.release, 'finalized')

    def on_error(self, _: LifecycleState) -> TransitionCallbackReturn:
        """After an unforeseen exception -> unconfigured, from where the node can be configured again."""
        return self._guarded('recover', self.release, 'unconfigured')

    def _guarded(self, verb: str, action: Callable[[], None], state: str,
                 undo: Callable[[], None] | None = None) -> TransitionCallbackReturn:
        try:
            try:
                action()
            except SetupError as error:
                if not self.ended():
                    self.get_logger().error(f'cannot {verb}: {error}')
                if undo is not None:
                    undo()
                return FAILURE
        except Exception:
            if not self.ended():
                self.get_logger().error(f'cannot {verb}, unforeseen:\n{traceback.format_exc()}')
            return ERROR
        self.state = state
        return SUCCESS

    def _answering(self, change_state: Callable) -> Callable:
        """The service's callback, made to answer a request that the present state does not allow."""
        def callback(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
            try:
                return change_state(request, response)
            except Exception as error:  # RCLError, which Humble does not export in public
                wish = request.transition.label or f'transition {request.transition.id}'
                self.get_logger().error(f'refused {wish}: not possible while {self.state} ({str(error).splitlines()[0]})')
                response.success = False
                return response
        return callback

"""The adapter of the product: learning in the background, within the frame's budget of forward passes."""

from __future__ import annotations

from ...online.adapter import Adapter
from ...online.settings import AdapterSettings
from ...online.status import AdaptationStatus
from ...runtime.engine import Engine
from ...structures import Frame, Weights
from ..passes import counted
from .base import Answer, Setting

LOOK = 1.0  # the frozen network's own pass, which it makes in halves


class Ours:
    """Segments as the vehicle does; weights that the adapter gives out are served from the next frame on.

    Looks, trials, comparisons and training all come out of one budget. A piece that is begun is finished: what it cost
    beyond the budget is missing from the next frames'. What a frame leaves over is lost.
    """

    Config = AdapterSettings

    def __init__(self, setting: Setting, config: AdapterSettings) -> None:
        self._engine = Engine(setting.bundle, device=setting.device, size=setting.size)
        self._adapter = Adapter(setting.bundle, config, seed=setting.seed, device=setting.device, size=setting.size)
        self._budget = setting.pace.background
        self._left = 0.0
        self._told: tuple = ()

    def __call__(self, frame: Frame, index: int) -> Answer:
        mask = self._engine(frame, confidence=False).mask
        self._left = min(self._left, 0.0) + self._budget
        with counted(self._engine.network_size(*frame.image.shape[:2])) as passes:
            self._serve(self._adapter.observe(frame))
            while self._left > passes.done + LOOK and self._adapter.busy:
                self._serve(self._adapter.update())
        self._left -= passes.done + LOOK
        status = self._adapter.status
        return Answer(mask, events=self._new_events(status), signals={
            'shift': status.shift, 'share': status.share, 'background': passes.done + LOOK})

    def _serve(self, weights: Weights | None) -> None:
        if weights is not None:
            self._engine.load_weights(weights)

    def _new_events(self, status: AdaptationStatus) -> tuple[tuple[str, str], ...]:
        """Those that were not there after the frame before; a status holds the last ones only."""
        known = set(map(id, self._told))
        self._told = status.events
        return tuple((event.kind, event.text) for event in status.events if id(event) not in known)

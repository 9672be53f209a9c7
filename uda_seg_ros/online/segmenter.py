"""Inference with a learner beside it: the product without ROS."""

from __future__ import annotations

from collections.abc import Sequence

from ..runtime.engine import Engine
from ..structures import Frame, Segmentation
from .worker import Worker


class Segmenter:
    """segmenter(frame) -> Segmentation. Between two frames it puts the learner's newest weights into the engine.

    worker: None for the frozen network. cameras: whose frames are learned from, () for all. The worker keeps to itself what
    happens to the learner, so that a frame is segmented with the last good weights whatever that is.
    """

    def __init__(self, engine: Engine, worker: Worker | None = None, cameras: Sequence[str] = ()) -> None:
        self._engine, self._worker, self._cameras = engine, worker, frozenset(cameras)
        self._turn = 0

    def __call__(self, frame: Frame, *, confidence: bool = True, entropy: bool = False) -> Segmentation:
        """Raises as Engine.batch does."""
        return self.batch([frame], confidence=confidence, entropy=entropy)[0]

    def batch(self, frames: Sequence[Frame], *, confidence: bool = True, entropy: bool = False) -> list[Segmentation]:
        """All frames with the same weights. Raises as Engine.batch does."""
        if self._worker is None:
            return self._engine.batch(frames, confidence=confidence, entropy=entropy)
        with self._worker.giving_way():
            if (weights := self._worker.take()) is not None:
                self._engine.load_weights(weights)
            answers = self._engine.batch(frames, confidence=confidence, entropy=entropy)
        if offered := [frame for frame in frames if not self._cameras or frame.camera in self._cameras]:
            self._worker.offer(offered[self._turn % len(offered)])  # in turn: of several the worker would keep the last
            self._turn += 1
        return answers

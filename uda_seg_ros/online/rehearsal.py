"""The last fence before the served network: weights are tried out where the learner is, on the frame that it saw last."""

from __future__ import annotations

import numpy as np
import torch

from ..bundle import Bundle
from ..runtime.engine import Engine, EngineError
from ..structures import Frame, Weights

COLLAPSED, SOUND = 0.95, 0.9  # shares of the picture that one class may cover


class Rehearsal:
    """A guard: rehearsal(weights, frame) -> the reason to refuse the weights, in words, or None.

    What the adapter's own gate let through is refused only if serving it would be absurd: tensors that are missing or not
    finite, or one class all over a frame in which the frozen network sees more than one.
    """

    def __init__(self, bundle: Bundle, *, device: str = 'cpu', size: tuple[int, int] | None = None) -> None:
        self._anchor = Weights(0, bundle.tensors)
        threads = torch.get_num_threads()  # in a thread, the engine that serves has chosen them for the whole process
        self._engine = Engine(bundle, device=device, size=size, threads=threads, output_size='network', urgent=False)

    def __call__(self, weights: Weights, frame: Frame | None) -> str | None:
        try:
            self._engine.load_weights(weights)
        except EngineError as error:
            return str(error)
        if frame is None:
            return None
        share, train_id = self._largest(frame)
        if share <= COLLAPSED:
            return None
        self._engine.load_weights(self._anchor)
        sound = self._largest(frame)[0] < SOUND
        name = self._engine.labels.names[train_id]
        return f'weights version {weights.version}: {share:.0%} of the picture became {name!r}' if sound else None

    def _largest(self, frame: Frame) -> tuple[float, int]:
        """The share of the largest class, and its train id."""
        mask = self._engine(frame, confidence=False).mask
        pixels = np.bincount(mask.reshape(-1))
        return pixels.max() / mask.size, int(pixels.argmax())

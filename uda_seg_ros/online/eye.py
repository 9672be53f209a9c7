"""From a camera's picture to what the frozen network sees in it and how unusual that is; sensor faults go no further."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch

from ..bundle import Preprocess
from ..shift_signals import Moments
from .anchor import Anchor, Sight
from .pictures import as_array
from .quality import fault
from .shift_score import Score
from .source import Calibration, Fitted, Normal, Source


class Seen(NamedTuple):
    """Either a fault in words, or a sight; its score once it is known what is normal."""

    fault: str | None = None
    sight: Sight | None = None
    score: Score | None = None


class Eye:
    """size: (height, width) that everything runs at, which the first picture tells. normal: of the source at that size.

    gate, replay: labelled source crops, fitted to the size. last: the last sight.
    """

    def __init__(self, anchor: Anchor, source: Source, preprocess: Preprocess) -> None:
        self._anchor, self._source, self._preprocess = anchor, source, preprocess
        self.size: tuple[int, int] | None = None
        self.normal: Normal | None = None
        self.last: Sight | None = None
        self._calibration: Calibration | None = None
        self._before: np.ndarray | None = None
        self._proven = True

    def fits(self, image: np.ndarray) -> bool:
        """Whether a picture is seen at the size that was taken up from a file. The first one after that proves it."""
        if self.size is not None and not self._proven:
            self._proven = self._size_of(image) == self.size
        return self.size is None or self._proven

    def forget(self) -> None:
        """The next picture tells the size."""
        self.__init__(self._anchor, self._source, self._preprocess)

    def see(self, image: np.ndarray) -> Seen:
        """image: HxWx3 uint8 RGB."""
        if self.size is None:
            self._start(self._size_of(image))
        picture = cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        reason, self._before = fault(picture, self._before), picture
        if reason:
            return Seen(reason)
        self.last = self._anchor.look(picture)
        score = self.normal and self.normal.score(self.last.all_signals(self.normal.moments))
        return Seen(None, self.last, score)

    def _size_of(self, image: np.ndarray) -> tuple[int, int]:
        return self._preprocess.network_size(*image.shape[:2], self._anchor.network.multiple)

    def _start(self, size: tuple[int, int]) -> None:
        self.size = size
        self.gate, self.replay = (Fitted(crops, size) for crops in (self._source.gate, self._source.replay))
        if size == self._source.size:
            self.normal = self._source.normal()
        else:
            self._calibration = Calibration(self._source, self._anchor, size)

    @property
    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) that everything runs at, and of the source's pictures."""
        return self.size, self._source.size

    @property
    def calibrating(self) -> bool:
        return self._calibration is not None

    def calibrate(self) -> None:
        """One piece of measuring what is normal at another size than the desk did."""
        self.normal = self._calibration.piece()
        if self.normal is not None:
            self._calibration = None

    def state_dict(self) -> dict:
        normal, last = self.normal, self.last
        return {'size': self.size, 'last': last and torch.from_numpy(last.picture),
                'before': None if self._before is None else torch.from_numpy(self._before),
                'normal': normal and {'moments': [tuple(layer) for layer in normal.moments], 'signals': normal.signals},
                'calibration': self._calibration and self._calibration.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.forget()
        self._proven = False
        if state['size'] is not None:
            self._start(tuple(state['size']))
        if state['normal']:
            self.normal = Normal([Moments(*layer) for layer in state['normal']['moments']], state['normal']['signals'])
            self._calibration = None
        elif state['calibration']:
            self._calibration.load_state_dict(state['calibration'])
        self.last = None if state['last'] is None else self._anchor.look(as_array(state['last']))
        self._before = None if state['before'] is None else as_array(state['before'])

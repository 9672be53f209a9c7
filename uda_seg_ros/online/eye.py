"""From a camera's picture to what the frozen network sees in it and how unusual that is; sensor faults go no further."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch

from ..bundle import Preprocess
from ..shift_signals import Moments
from ..structures import Frame
from .anchor import Anchor, Sight
from .pictures import as_array
from .quality import fault
from .shift_score import Score
from .source import Calibration, Fitted, Normal, Source

STRANGE = 4  # looks in a row at pictures of another size after which that is the size
PATIENT = 0.1  # of such a look, where the camera that had the size may only not have come yet


class Seen(NamedTuple):
    """Either a fault in words, or a sight; its score once it is known what is normal."""

    fault: str | None = None
    sight: Sight | None = None
    score: Score | None = None


class Eye:
    """size: (height, width) that everything runs at, which the first picture tells; other cameras' are brought to it.

    The camera that had it last tells when it is no longer right. normal: of the source at that size. gate, replay: labelled
    source crops, fitted to it. last: the last sight.
    """

    def __init__(self, anchor: Anchor, source: Source, preprocess: Preprocess) -> None:
        self._anchor, self._source, self._preprocess = anchor, source, preprocess
        self.size: tuple[int, int] | None = None
        self.normal: Normal | None = None
        self.last: Sight | None = None
        self._calibration: Calibration | None = None
        self._before: dict[str, np.ndarray] = {}  # the last picture of each camera
        self._camera = ''
        self._proven, self._strange = True, 0.0

    def fits(self, frame: Frame) -> bool:
        """Whether a frame is to be seen. After a size was taken up from a file, one must have come that has it."""
        if self.size is None or self._size_of(frame.image) == self.size:
            self._proven, self._strange, self._camera = True, 0.0, frame.camera
            return True
        own = frame.camera == self._camera
        if self._proven and not own:
            return True
        self._strange += 1 if self._proven else STRANGE if own else PATIENT
        return False

    @property
    def outgrown(self) -> bool:
        """Whether the size is no longer that of the pictures."""
        return self._strange >= STRANGE

    def forget(self) -> None:
        """The next picture tells the size."""
        self.__init__(self._anchor, self._source, self._preprocess)

    def see(self, frame: Frame) -> Seen:
        if self.size is None:
            self._start(self._size_of(frame.image))
        picture = cv2.resize(frame.image, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        reason, self._before[frame.camera] = fault(picture, self._before.get(frame.camera)), picture
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
        return {'size': self.size, 'camera': self._camera, 'strange': self._strange,
                'last': last and torch.from_numpy(last.picture),
                'before': {camera: torch.from_numpy(picture) for camera, picture in self._before.items()},
                'normal': normal and {'moments': [tuple(layer) for layer in normal.moments], 'signals': normal.signals},
                'calibration': self._calibration and self._calibration.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.forget()
        self._camera, self._strange, self._proven = state['camera'], state['strange'], False
        if state['size'] is not None:
            self._start(tuple(state['size']))
        if state['normal']:
            self.normal = Normal([Moments(*layer) for layer in state['normal']['moments']], state['normal']['signals'])
            self._calibration = None
        elif state['calibration']:
            self._calibration.load_state_dict(state['calibration'])
        self.last = None if state['last'] is None else self._anchor.look(as_array(state['last']))
        self._before = {camera: as_array(picture) for camera, picture in state['before'].items()}

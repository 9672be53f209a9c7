"""A drive as a video file, as far as OpenCV decodes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from . import RecordingError

SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')
_RATES_HZ = (1.0, 240.0)  # what a file may say of itself and be believed
_RATE_HZ = 25.0


class Video:
    """A video that can be gone through more than once.

    rate_hz: frames a second. num_frames: what the file states; fewer may be there.
    """

    def __init__(self, path: Path) -> None:
        """Raises RecordingError if there is no first frame."""
        self.path = path
        video = self._open()
        stated_hz = video.get(cv2.CAP_PROP_FPS)
        self.rate_hz = stated_hz if _RATES_HZ[0] <= stated_hz <= _RATES_HZ[1] else _RATE_HZ
        self.num_frames = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        readable = video.grab()
        video.release()
        if not readable:
            raise RecordingError(f'{path}: OpenCV cannot decode this video')

    def _open(self) -> cv2.VideoCapture:
        video = cv2.VideoCapture(str(self.path))
        if not video.isOpened():
            raise RecordingError(f'{self.path}: OpenCV cannot decode this video')
        return video

    def frames(self, stride: int = 1) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (number, HxWx3 uint8 RGB) of every stride-th frame from the first on; those between cost less."""
        video, number = self._open(), 0
        try:
            while video.grab():
                if number % stride == 0:
                    there, picture = video.retrieve()
                    if not there:
                        return
                    yield number, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture)
                number += 1
        finally:
            video.release()

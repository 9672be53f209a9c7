"""A drive from a video file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from std_msgs.msg import Header

from ..convert import to_image
from .folder_source import FIRST_STAMP_NS
from .sources import Shot, SourceError, SourceOptions, set_stamp

_RATES_HZ = (1.0, 240.0)  # what a file may say of itself and be believed
_RATE_HZ = 25.0


class VideoSource:
    """See Source. A video has no labels."""

    compressed, has_labels = False, False

    def __init__(self, path: Path, options: SourceOptions) -> None:
        """Raises SourceError if OpenCV cannot decode the video, or labels are asked for."""
        if options.labels is not None or options.label_topic:
            raise SourceError(f'{path}: a video has no labels; give a folder of pictures or a bag for that')
        self._path, self.skipped, self.notes = path, 0, []
        video = self._open()
        stated_hz = video.get(cv2.CAP_PROP_FPS)
        self._rate_hz = options.rate_hz or (stated_hz if _RATES_HZ[0] <= stated_hz <= _RATES_HZ[1] else _RATE_HZ)
        self._length = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        video.release()

    def _open(self) -> cv2.VideoCapture:
        video = cv2.VideoCapture(str(self._path))
        if not video.isOpened() or not video.grab():
            raise SourceError(f'{self._path}: OpenCV cannot decode this video')
        video.release()
        return cv2.VideoCapture(str(self._path))

    def __len__(self) -> int:
        return self._length

    def shots(self) -> Iterator[Shot]:
        self.notes, index = [], 0
        video = self._open()
        try:
            while True:
                there, picture = video.read()
                if not there:
                    break
                message = to_image(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), 'rgb8', Header(frame_id='camera'))
                due_ns = round(index * 1e9 / self._rate_hz)
                set_stamp(message, FIRST_STAMP_NS + due_ns)
                yield Shot(index, due_ns, message)
                index += 1
        finally:
            video.release()
        if index < self._length:
            self.notes.append(f'The video states {self._length} frames, {index} could be decoded.')

    def labels(self) -> Iterator[tuple[int, np.ndarray]]:
        yield from ()

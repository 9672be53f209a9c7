"""A drive from a folder of pictures in natural order, with label pictures of the same names in another folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from std_msgs.msg import Header

from ...recordings.folder import find_labels, pictures_of, read_label
from ...runtime.pictures import SUFFIXES
from ..convert import to_image
from .sources import Shot, SourceError, SourceOptions, examples, set_stamp

RATE_HZ = 10.0  # pictures have no rate of their own
FIRST_STAMP_NS = 1_000_000_000  # a stamp of 0 means 'no time' in ROS


class FolderSource:
    """See Source. A picture that cannot be read is reported and skipped; its time passes without a frame."""

    compressed = False

    def __init__(self, path: Path, options: SourceOptions) -> None:
        """Raises SourceError if there are no pictures, or labels are asked for and none fits."""
        self._path, self._space = path, options.space
        self._period_ns = round(1e9 / (options.rate_hz or RATE_HZ))
        self.skipped, self.notes = 0, []
        self._pictures = pictures_of(path)
        if not self._pictures:
            raise SourceError(f'{path}: no bag and no pictures in it; possible pictures: {" ".join(SUFFIXES)}')
        self._labels = find_labels(path, self._pictures, options.labels) if options.labels else {}
        self.has_labels = bool(self._labels)

    def __len__(self) -> int:
        return len(self._pictures)

    def _stamp_ns(self, index: int) -> int:
        return FIRST_STAMP_NS + index * self._period_ns

    def shots(self) -> Iterator[Shot]:
        self.notes, unread = [], []
        for index, path in enumerate(self._pictures):
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.stat().st_size else None
            if picture is None:
                unread.append(path.name)
                continue
            message = to_image(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), 'rgb8', Header(frame_id='camera'))
            set_stamp(message, self._stamp_ns(index))
            yield Shot(index, index * self._period_ns, message)
        self.skipped = len(unread)
        if unread:
            self.notes.append(f'{len(unread)} pictures could not be read and were skipped: {examples(unread)}.')

    def labels(self) -> Iterator[tuple[int, np.ndarray]]:
        for index, path in self._labels.items():
            yield self._stamp_ns(index), read_label(path, self._space)

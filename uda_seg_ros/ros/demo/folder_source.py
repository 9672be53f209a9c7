"""A drive from a folder of pictures in natural order, with label pictures of the same names in another folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from std_msgs.msg import Header

from ..convert import to_image
from .sources import Shot, SourceError, SourceOptions, examples, set_stamp

PICTURES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.tif', '.tiff')
RATE_HZ = 10.0  # pictures have no rate of their own
FIRST_STAMP_NS = 1_000_000_000  # a stamp of 0 means 'no time' in ROS
_CITYSCAPES_IMAGE, _CITYSCAPES_LABELS = '_leftImg8bit', ('_gtFine_labelTrainIds', '_gtFine_labelIds')


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
            raise SourceError(f'{path}: no bag and no pictures in it; possible pictures: {" ".join(PICTURES)}')
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
            ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
                raise SourceError(f'{path}: not a label picture: one 8-bit channel of class ids is needed')
            yield self._stamp_ns(index), ids if 'TrainIds' in path.stem else self._space.from_label_ids()[ids]


def pictures_of(folder: Path) -> list[Path]:
    """All pictures in and below a folder, in natural order: frame2 before frame10."""
    found = [path for path in folder.rglob('*') if path.suffix.lower() in PICTURES and path.is_file()]
    return sorted(found, key=lambda path: natural(str(path.relative_to(folder))))


def natural(name: str) -> list[tuple[int, int | str]]:
    """A sort key in which numbers count as numbers."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r'(\d+)', name) if part]


def find_labels(folder: Path, pictures: list[Path], labels: Path) -> dict[int, Path]:
    """The label picture of each picture, by the picture's place: one of the same stem, in the same sub-folder.

    Cityscapes' endings (_leftImg8bit, _gtFine_labelIds) are known. Raises SourceError if none is found.
    """
    if not labels.is_dir():
        raise SourceError(f'{labels}: no such folder of labels')
    found = {}
    for index, picture in enumerate(pictures):
        beside = labels / picture.relative_to(folder).parent
        stem = picture.stem
        stems = [stem, *(stem.replace(_CITYSCAPES_IMAGE, ending) for ending in _CITYSCAPES_LABELS)]
        label = next((path for name in stems if (path := beside / f'{name}.png').is_file()), None)
        if label is not None:
            found[index] = label
    if not found:
        raise SourceError(f'{labels}: no label belongs to a picture of {folder}; expected for example '
                          f'{labels / pictures[0].relative_to(folder).with_suffix(".png")}')
    return found

"""A drive as a folder of pictures in natural order, with label pictures of the same names in another folder."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from ..labels import LabelSpace
from ..runtime.pictures import SUFFIXES
from . import RecordingError

_CITYSCAPES_IMAGE, _CITYSCAPES_LABELS = '_leftImg8bit', ('_gtFine_labelTrainIds', '_gtFine_labelIds')


def pictures_of(folder: Path) -> list[Path]:
    """All pictures in and below a folder, in natural order: frame2 before frame10."""
    found = [path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES and path.is_file()]
    return sorted(found, key=lambda path: natural(str(path.relative_to(folder))))


def natural(name: str) -> list[tuple[int, int | str]]:
    """A sort key in which numbers count as numbers."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r'(\d+)', name) if part]


def find_labels(folder: Path, pictures: list[Path], labels: Path) -> dict[int, Path]:
    """The label picture of each picture, by the picture's place: one of the same stem, in the same sub-folder.

    Cityscapes' endings (_leftImg8bit, _gtFine_labelIds) are known. Raises RecordingError if none is found.
    """
    if not labels.is_dir():
        raise RecordingError(f'{labels}: no such folder of labels')
    found = {}
    for index, picture in enumerate(pictures):
        beside = labels / picture.relative_to(folder).parent
        stem = picture.stem
        stems = [stem, *(stem.replace(_CITYSCAPES_IMAGE, ending) for ending in _CITYSCAPES_LABELS)]
        label = next((path for name in stems if (path := beside / f'{name}.png').is_file()), None)
        if label is not None:
            found[index] = label
    if not found:
        raise RecordingError(f'{labels}: no label belongs to a picture of {folder}; expected for example '
                             f'{labels / pictures[0].relative_to(folder).with_suffix(".png")}')
    return found


def read_label(path: Path, space: LabelSpace) -> np.ndarray:
    """HxW uint8 train ids. The picture holds train ids if its name says so, else the label ids of the space.

    Raises RecordingError if it is not one 8-bit channel.
    """
    ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
        raise RecordingError(f'{path}: not a label picture: one 8-bit channel of class ids is needed')
    return ids if 'TrainIds' in path.stem else space.from_label_ids()[ids]

"""Writes a drive as image files in the layout of Cityscapes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.procedural.drive import DriveFrame


class PictureWriter:
    """``leftImg8bit/SPLIT/TOWN/TOWN_SEED_FRAME_leftImg8bit.png`` and, under gtFine, ``_gtFine_labelIds.png`` (official
    Cityscapes ids) and ``_gtFine_labelTrainIds.png``. OSError where a file cannot be written."""

    def __init__(self, out: Path, town: str, seed: int, split: str) -> None:
        self._town, self._seed = town, seed
        self._images = out / 'leftImg8bit' / split / town
        self._labels = out / 'gtFine' / split / town
        self._label_ids = CITYSCAPES.to_label_ids()
        for folder in (self._images, self._labels):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: DriveFrame) -> None:
        """Write the three files of one frame."""
        stem = f'{self._town}_{self._seed:06d}_{frame.index:06d}'
        _write_png(self._images / f'{stem}_leftImg8bit.png', cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
        _write_png(self._labels / f'{stem}_gtFine_labelIds.png', self._label_ids[frame.label])
        _write_png(self._labels / f'{stem}_gtFine_labelTrainIds.png', frame.label)

    def close(self) -> None:
        """Nothing is left open."""


def _write_png(path: Path, image: np.ndarray) -> None:
    _, encoded = cv2.imencode('.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(encoded.tobytes())

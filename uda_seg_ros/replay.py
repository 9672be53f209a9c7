"""Labelled source crops on board: replay memory and gate set, compressed, decoded one by one when asked for.

In replay.safetensors, once below `replay.` (to train on) and once below `gate.` (to judge with, never trained on):

| tensor | shape | meaning |
|---|---|---|
| images, labels | bytes, uint8 | JPEG and PNG files, one behind the other; labels hold the bundle's train ids and IGNORE |
| image_ends, label_ends | N int64 | where each file ends |
| class_pixels | NxC int64 | pixels of each class in each crop |

All crops have one size, that of the network's input. Source statistics lie beside: see source_statistics.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch

REPLAY, GATE = 'replay', 'gate'
QUALITY = 95


class ReplayError(ValueError):
    """A bundle's replay memory is missing or damaged. The text says what."""


class Crop(NamedTuple):
    """image: HxWx3 uint8 RGB. label: HxW uint8 train ids with IGNORE."""

    image: np.ndarray
    label: np.ndarray


class Crops(Sequence[Crop]):
    """Crops by number. What is kept in memory are the compressed bytes; every access decodes anew."""

    def __init__(self, tensors: Mapping[str, torch.Tensor], name: str) -> None:
        """tensors: a bundle's replay. name: REPLAY or GATE. Raises ReplayError."""
        parts = ('images', 'labels', 'image_ends', 'label_ends', 'class_pixels')
        for part in parts:
            if f'{name}.{part}' not in tensors:
                raise ReplayError(f'replay memory: no tensor {name}.{part}; export the bundle with source data')
        self._name = name
        images, labels, image_ends, label_ends, self.class_pixels = (tensors[f'{name}.{part}'] for part in parts)
        self._images, self._labels = (_Files(*pair) for pair in ((images, image_ends), (labels, label_ends)))
        if not len(image_ends) == len(label_ends) == len(self.class_pixels):
            raise ReplayError(f'replay memory: the tensors of {name} tell of different numbers of crops')

    def __len__(self) -> int:
        return len(self.class_pixels)

    def __getitem__(self, index: int) -> Crop:
        if not -len(self) <= index < len(self):
            raise IndexError(f'{self._name} has {len(self)} crops, none of number {index}')
        try:
            image = cv2.imdecode(self._images[index], cv2.IMREAD_COLOR)
            label = cv2.imdecode(self._labels[index], cv2.IMREAD_UNCHANGED)
        except cv2.error:  # of a file without bytes
            image = label = None
        if image is None or label is None or label.shape != image.shape[:2]:
            raise ReplayError(f'replay memory: crop {index} of {self._name} is damaged; export the bundle again')
        return Crop(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), label)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels; (0, 0) without crops."""
        return self[0].label.shape if len(self) else (0, 0)

    @property
    def num_bytes(self) -> int:
        return self._images.num_bytes + self._labels.num_bytes


class _Files:
    """Files one behind the other in a tensor of bytes."""

    def __init__(self, content: torch.Tensor, ends: torch.Tensor) -> None:
        self._content = content.numpy()
        self._ends = [0, *ends.tolist()]
        self.num_bytes = len(content)
        if self._ends != sorted(self._ends) or self._ends[-1] != self.num_bytes:
            raise ReplayError('replay memory: the ends of the files do not fit their bytes; export the bundle again')

    def __getitem__(self, index: int) -> np.ndarray:
        index %= len(self._ends) - 1
        return self._content[self._ends[index] : self._ends[index + 1]]


def pack(crops: Iterable[Crop], name: str, num_classes: int, most_bytes: float = float('inf'),
         quality: int = QUALITY) -> dict[str, torch.Tensor]:
    """The tensors of `Crops`. The first crop that would bring images and labels above `most_bytes` ends them.

    quality: of the JPEG files, up to 100.
    """
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    pixels: list[np.ndarray] = []
    total = 0
    for image, label in crops:
        files = (cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].reshape(-1),
                 cv2.imencode('.png', label, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].reshape(-1))
        total += sum(map(len, files))
        if total > most_bytes:
            break
        images.append(files[0])
        labels.append(files[1])
        pixels.append(np.bincount(label.reshape(-1), minlength=256)[:num_classes])
    return {f'{name}.images': _joined(images), f'{name}.image_ends': _ends(images),
            f'{name}.labels': _joined(labels), f'{name}.label_ends': _ends(labels),
            f'{name}.class_pixels': torch.from_numpy(np.array(pixels, np.int64).reshape(-1, num_classes))}


def _joined(files: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([np.empty(0, np.uint8), *files]))


def _ends(files: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.cumsum([len(file) for file in files], dtype=np.int64))

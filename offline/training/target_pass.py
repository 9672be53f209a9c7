"""The passes over the whole target train set before a stage's first step: pseudo-labels, and the method's own look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from uda_seg_ros.storage.whole_file import write_whole

from ..methods import Method
from .seeding import seed_torch
from .trainer import autocast


class TargetImages:
    """The target train set as image 1x3xHxW in 0..1 on the device; may be iterated several times."""

    def __init__(self, images: Iterable[torch.Tensor], device: torch.device) -> None:
        self._images, self._device = images, device

    def __iter__(self) -> Iterator[torch.Tensor]:
        for image in self._images:
            yield image.to(self._device, non_blocking=True).to(memory_format=torch.channels_last).float() / 255


@torch.no_grad()
def label_target(method: Method, images: Iterable[torch.Tensor], folder: Path, rank: int = 0, size: int = 1) -> None:
    """Write the method's pseudo-label of every image as NNNNNN.png, uint8 train ids at the image's size.

    Each file is written whole, and one that is there stays: a killed pass goes on. Of `size` processes each takes its share.
    """
    folder.mkdir(parents=True, exist_ok=True)
    method.eval()
    for number, image in enumerate(images):
        path = folder / f'{number:06}.png'
        if number % size != rank or path.exists():
            continue
        seed_torch('label_target', number)
        with autocast(image.device):
            label = method.label_target(image)
        write_whole(path, lambda draft, label=label: _write_png(draft, label[0].to('cpu', torch.uint8).numpy()))


@torch.no_grad()
def prepare(method: Method, images: Iterable[torch.Tensor], seed: object) -> None:
    """Let the method look at the whole target set, in eval mode."""
    method.eval()
    seed_torch(seed, 'prepare')
    with autocast(method.mean.device):
        method.prepare(images)


def _write_png(path: Path, label: np.ndarray) -> None:
    if not cv2.imwrite(str(path), label):
        raise OSError(f'{path}: cannot be written')

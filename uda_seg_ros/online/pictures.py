"""Pictures on their way to the networks: fitted to a size, as tensors, cut, in another picture's colours."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..bundle import Preprocess
from ..replay import Crop
from ..self_training.restyle import color_statistics, grain_and_blur


def fitted(crop: Crop, size: tuple[int, int]) -> Crop:
    """The middle of a crop, resized to just cover `size` (height, width), as the vehicle resizes."""
    height, width = crop.label.shape
    scale = max(size[0] / height, size[1] / width)
    rows, columns = (min(side, round(wanted / scale)) for side, wanted in zip((height, width), size))
    top, left = (height - rows) // 2, (width - columns) // 2
    image, label = (array[top:top + rows, left:left + columns] for array in crop)
    return Crop(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR),
                cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT))


def as_image(picture: np.ndarray, device: torch.device) -> torch.Tensor:
    """13HW float in 0..1 of HxWx3 uint8."""
    return torch.from_numpy(np.ascontiguousarray(picture)).to(device).permute(2, 0, 1)[None].float() / 255


def as_array(picture: torch.Tensor) -> np.ndarray:
    """A picture of its own from a stored one."""
    return picture.cpu().numpy().copy()


class Normalise:
    """image B3HW in 0..1 to what the network takes."""

    def __init__(self, preprocess: Preprocess, device: torch.device) -> None:
        self._mean, self._std = (torch.tensor(values, device=device).view(1, 3, 1, 1)
                                 for values in (preprocess.mean, preprocess.std))

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        return ((image - self._mean) / self._std).contiguous(memory_format=torch.channels_last)


def restyled(image: torch.Tensor, style: torch.Tensor, strength: float = 1.0,
             generator: torch.Generator | None = None) -> torch.Tensor:
    """`image` in the colours of `style`, as grainy or as soft as it, B3HW in 0..1. generator: of the grain.

    Mean and deviation of the channels only. Exchanging low-frequency amplitudes was tried and left out: between clean
    pictures of different streets it costs half of the mIoU, so that it says nothing of a domain. Without the grain, trials
    under noise chose statistics that were worse than the source's.
    """
    return torch.lerp(image, grain_and_blur(color_statistics(image, style), style, generator), strength)


def window(size: tuple[int, int], crop: tuple[int, int], rng: np.random.Generator) -> tuple[slice, slice, bool]:
    """(rows, columns, mirrored) of a random part of at most `crop` pixels."""
    height, width = (min(side, wanted) for side, wanted in zip(size, crop))
    top, left = int(rng.integers(size[0] - height + 1)), int(rng.integers(size[1] - width + 1))
    return slice(top, top + height), slice(left, left + width), bool(rng.random() < 0.5)


def cut(array: np.ndarray, place: tuple[slice, slice, bool]) -> np.ndarray:
    """The part of HxW or HxWx3 at a `window`."""
    part = array[place[0], place[1]]
    return np.ascontiguousarray(part[:, ::-1] if place[2] else part)

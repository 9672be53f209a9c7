"""Windows of pictures: where one lies is drawn at random, then image and label are cut and resized alike.

Images are interpolated bilinearly without antialiasing, as on the vehicle; labels take the nearest pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class Window:
    """A part of a picture, in its pixels. mirrored: left and right change places."""

    top: int
    left: int
    rows: int
    columns: int
    mirrored: bool = False

    def of(self, array: np.ndarray) -> np.ndarray:
        """The part of HxW or HxWx3 that lies in the window, a view."""
        part = array[self.top:self.top + self.rows, self.left:self.left + self.columns]
        return part[:, ::-1] if self.mirrored else part


def random_window(shape: tuple[int, int], crop: tuple[int, int], scale: tuple[float, float],
                  random: np.random.Generator) -> Window:
    """A window of a picture of `shape` that becomes `crop` when enlarged by a factor within `scale`; mirrored half the time.

    shape, crop: (height, width). The factor is drawn evenly in its logarithm, and is larger where the picture is too small.
    """
    low, high = np.log(scale)
    factor = max(np.exp(random.uniform(low, high)), crop[0] / shape[0], crop[1] / shape[1])
    rows, columns = (min(side, max(1, int(wanted / factor))) for side, wanted in zip(shape, crop))
    return Window(int(random.integers(shape[0] - rows + 1)), int(random.integers(shape[1] - columns + 1)), rows, columns,
                  bool(random.random() < 0.5))


def cut_image(image: np.ndarray, window: Window, out: np.ndarray) -> None:
    """The part of an image in the window, resized into `out` hxwx3."""
    cv2.resize(np.asarray(replace(window, mirrored=False).of(image)), out.shape[1::-1], dst=out,
               interpolation=cv2.INTER_LINEAR)
    if window.mirrored:  # afterwards and in place: OpenCV would copy a picture that runs backwards
        cv2.flip(out, 1, dst=out)


def cut_label(label: np.ndarray, window: Window, size: tuple[int, int]) -> np.ndarray:
    """The part of a label in the window, resized to size (height, width)."""
    part = resized_label(replace(window, mirrored=False).of(label), size)
    return part[:, ::-1] if window.mirrored else part


def resized_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """HxWx3 to size (height, width); the array itself if it has that size."""
    return _resized(image, size, cv2.INTER_LINEAR)


def resized_label(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """HxW to size (height, width); the array itself if it has that size. Pixel centres lie as for images."""
    return _resized(label, size, cv2.INTER_NEAREST_EXACT)


def _resized(array: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    if array.shape[:2] == tuple(size):
        return array
    return cv2.resize(np.asarray(array), size[::-1], interpolation=interpolation)


def size_at(shape: tuple[int, int], height: int | None) -> tuple[int, int]:
    """(height, width) of a picture of `shape` resized to a height, aspect kept; None leaves it."""
    if height is None:
        return tuple(shape[:2])
    return height, max(1, round(shape[1] * height / shape[0]))

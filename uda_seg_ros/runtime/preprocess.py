"""Camera pictures to the network's input: resize first, while a pixel is three bytes, then one table look-up."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

MOST_BUFFERS = 4  # cameras of different sizes at once; beyond, buffers are made anew


class Preprocessor:
    """RGB pictures HxWx3 uint8 to one normalised image_B3hw, bilinear without antialiasing.

    The tensor lives in a buffer (channels last in memory) that the next call of the same shape overwrites.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device, dtype: torch.dtype) -> None:
        self._table = normalisation_table(mean, std)
        self._device = device
        self._dtype = dtype
        self._buffers: dict[tuple[int, ...], tuple[torch.Tensor, np.ndarray]] = {}
        if device.type == 'cuda':
            span = self._table[0, 255] - self._table[0, 0]
            self._scale = torch.tensor(span / 255, device=device).view(1, 3, 1, 1)
            self._offset = torch.tensor(self._table[0, 0], device=device).view(1, 3, 1, 1)

    def __call__(self, pictures: Sequence[np.ndarray], size: tuple[int, int]) -> torch.Tensor:
        """pictures: B of them, of any sizes. size: (h, w) in pixels. Returns image_B3hw on the device."""
        buffer, small = self._buffer((len(pictures), *size, 3))
        on_device = self._device.type == 'cuda'
        for index, picture in enumerate(pictures):
            resized = cv2.resize(picture, size[::-1], dst=small[index], interpolation=cv2.INTER_LINEAR)
            if not on_device:
                cv2.LUT(resized, self._table, dst=buffer.numpy()[index])
        if not on_device:
            return buffer.permute(0, 3, 1, 2).to(self._dtype)
        uploaded = buffer.to(self._device, non_blocking=True).permute(0, 3, 1, 2)
        return torch.addcmul(self._offset, uploaded.float(), self._scale).to(self._dtype)

    def _buffer(self, shape: tuple[int, ...]) -> tuple[torch.Tensor, np.ndarray]:
        """The buffer for BxhxWx3, and the uint8 picture(s) to resize into; on CUDA these are one, in pinned memory."""
        if shape not in self._buffers:
            if len(self._buffers) == MOST_BUFFERS:
                self._buffers.clear()
            if self._device.type == 'cuda':
                pinned = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
                self._buffers[shape] = pinned, pinned.numpy()
            else:
                self._buffers[shape] = torch.empty(shape), np.empty(shape, np.uint8)
        return self._buffers[shape]


def normalisation_table(mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """1x256x3 float32: (value / 255 - mean) / std of each value of a byte and each channel."""
    value = np.arange(256, dtype=np.float32)[None, :, None] / np.float32(255)
    return (value - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)

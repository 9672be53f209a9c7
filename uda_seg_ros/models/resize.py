"""Bilinear interpolation, corners not aligned, of what is inside a network and of what comes out."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional


def resize_features(features: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """BDhw to BDHW for `size` (H, W), in the memory format they have."""
    return functional.interpolate(features, size=size, mode='bilinear', align_corners=False)


def resize_logits(logits: torch.Tensor, size: tuple[int, int] | None) -> torch.Tensor:
    """BChw to BCHW for `size` (H, W); unchanged for None.

    In float32 on a CPU as two products with small matrices, since interpolation is linear along each side: with the way
    back that takes a third of the time. There the result is contiguous, as softmax over classes likes it.
    """
    if size is None or tuple(logits.shape[-2:]) == tuple(size):
        return logits
    if logits.device.type != 'cpu' or logits.dtype != torch.float32:
        return resize_features(logits, size)
    (height, width), (h, w) = size, logits.shape[-2:]
    return _matrix(h, height) @ (logits @ _matrix(w, width).T)


@lru_cache(maxsize=64)
def _matrix(size: int, new_size: int) -> torch.Tensor:
    """new_size x size: what each new place of a line takes from the old ones."""
    with torch.inference_mode(False), torch.no_grad():
        places = torch.eye(size)[None]
        return functional.interpolate(places, size=new_size, mode='linear', align_corners=False)[0].T.contiguous()

"""Whether masks stay on what they lie on: the mask before is moved along the optical flow and compared."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

WIDTH = 256  # pixels, at most, at which the flow is found
GAP_S = 0.6  # pictures further apart show too much that is new
ASTRAY = 1.5  # pixels by which the flow there and back may miss
LEAST = 0.2  # share of the picture that must be seen in both


class Consistency:
    """Share of pixels, 0..1, whose class is that of the same spot in the picture before; spots hidden in one do not count.

    It says nothing of right or wrong: a mask of one class only is perfectly consistent.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: tuple[int, np.ndarray, list[np.ndarray]] | None = None

    def __call__(self, stamp_ns: int, image: np.ndarray, masks: Sequence[np.ndarray]) -> list[float | None]:
        """One value a mask; None for the first picture, after a gap, and where too little is seen in both.

        image: HxWx3 uint8 RGB. masks: HxW uint8.
        """
        width = min(WIDTH, image.shape[1])
        size = (width, max(32, round(width * image.shape[0] / image.shape[1])))
        grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        small = [cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) for mask in masks]
        before, self._before = self._before, (stamp_ns, grey, small)
        if before is None or stamp_ns - before[0] > GAP_S * 1e9 or before[1].shape != grey.shape:
            return [None] * len(masks)
        back = self._flow.calc(grey, before[1], None)  # where each pixel was
        forth = self._flow.calc(before[1], grey, None)
        x, y = _places(size, back)
        there = cv2.remap(forth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        inside = (x >= 0) & (y >= 0) & (x <= size[0] - 1) & (y <= size[1] - 1)
        seen = inside & (np.square(back + there).sum(-1) < ASTRAY ** 2)
        if seen.mean() < LEAST:
            return [None] * len(masks)
        moved = (cv2.remap(mask, x, y, cv2.INTER_NEAREST) for mask in before[2])
        return [float((old == new)[seen].mean()) for old, new in zip(moved, small)]


def _places(size: tuple[int, int], flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y, HxW float32, that each pixel comes from. size: (width, height)."""
    columns, rows = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    return columns + flow[..., 0], rows + flow[..., 1]

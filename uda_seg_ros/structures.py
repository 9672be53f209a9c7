"""The values that flow through the package. They are frozen: a stage makes a new value, it never edits one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Frame:
    """One camera picture.

    image: HxWx3 uint8, RGB. stamp_ns: time of exposure in nanoseconds. camera: name of the camera, '' if there is one only.
    """

    image: np.ndarray
    stamp_ns: int = 0
    camera: str = ''


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What the network says of one frame, at the size asked for.

    mask: HxW uint8 train ids, IGNORE where the network is less sure than the threshold. confidence: HxW uint8, 255 is
    certain, None if not asked for. entropy: HxW float32 in 0..1 (1 = all classes equally likely), None if not asked for.
    stamp_ns and camera are the frame's; weights_version tells which weights produced it.
    """

    mask: np.ndarray
    confidence: np.ndarray | None
    entropy: np.ndarray | None
    stamp_ns: int
    camera: str
    weights_version: int


@dataclass(frozen=True, eq=False)
class Weights:
    """A complete, versioned set of a network's tensors (parameters and buffers). Never changed after construction."""

    version: int
    tensors: Mapping[str, torch.Tensor]

"""The networks, one a file, and the table of their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..config import nearest
from .base import SegmentationModel
from .deeplab_v2 import deeplab_v2_resnet50, deeplab_v2_resnet101
from .drn import drn_d_22, drn_d_38
from .espnet_v2 import espnet_v2
from .fast_scnn import fast_scnn
from .segformer import segformer, segformer_b0, segformer_b1, segformer_b2, segformer_b3, segformer_b4, segformer_b5

NETWORKS: dict[str, Callable[..., SegmentationModel]] = {
    'fast_scnn': fast_scnn,
    'espnet_v2': espnet_v2,
    'segformer': segformer,
    'segformer_b0': segformer_b0,
    'segformer_b1': segformer_b1,
    'segformer_b2': segformer_b2,
    'segformer_b3': segformer_b3,
    'segformer_b4': segformer_b4,
    'segformer_b5': segformer_b5,
    'deeplab_v2_resnet50': deeplab_v2_resnet50,
    'deeplab_v2_resnet101': deeplab_v2_resnet101,
    'drn_d_22': drn_d_22,
    'drn_d_38': drn_d_38,
}


def build(name: str, num_classes: int, **settings: Any) -> SegmentationModel:
    """Make a network of the table with random weights. Raises ValueError for an unknown name or setting."""
    if name not in NETWORKS:
        raise ValueError(f'unknown network {name!r}{nearest(name, NETWORKS)}; known: {", ".join(NETWORKS)}')
    return NETWORKS[name](num_classes, **settings)


__all__ = ['NETWORKS', 'SegmentationModel', 'build']

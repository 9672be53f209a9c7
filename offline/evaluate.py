"""Score a bundle as the vehicle runs it: through the engine, at the pictures' own size."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from uda_seg_ros.metrics import confusion
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame


def confusion_of(engine: Engine, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Cx(C+1) int64 over pairs of image HxWx3 uint8 RGB and label HxW uint8 in the engine's label space."""
    num_classes = engine.labels.num_classes
    total = np.zeros((num_classes, num_classes + 1), np.int64)
    for image, label in pairs:
        total += confusion(label, engine(Frame(image), confidence=False).mask, num_classes)
    return total

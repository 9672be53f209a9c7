"""What is known of a bundle on one data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from uda_seg_ros.labels import LabelSpace
from uda_seg_ros.metrics import calibration_error, iou, mean_iou, pixel_accuracy


@dataclass(frozen=True)
class ImageScore:
    """index: in the data set. miou: 0..1 of this picture alone, NaN where nothing is labelled."""

    index: int
    name: str
    miou: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Counts over all pictures, and what follows from them; shares are in 0..1.

    labels: the space that was scored in. matrix: Cx(C+1), of metrics.confusion. reliability: 256x2, of
    metrics.reliability. images: one a picture. seconds: of prediction, without loading.
    """

    labels: LabelSpace
    matrix: np.ndarray
    reliability: np.ndarray
    images: tuple[ImageScore, ...]
    seconds: float

    @property
    def num_images(self) -> int:
        return len(self.images)

    @property
    def miou(self) -> float:
        """Mean over the classes that the labels contain."""
        return mean_iou(self.matrix)

    @property
    def iou(self) -> dict[str, float]:
        """Of each class that the labels contain."""
        return {name: float(value) for name, value, labelled
                in zip(self.labels.names, iou(self.matrix), self.matrix.any(axis=1)) if labelled}

    @property
    def pixel_share(self) -> dict[str, float]:
        """Share of the labelled pixels that each class has, of those it has any of."""
        pixels = self.matrix.sum(axis=1)
        return {name: float(count / pixels.sum()) for name, count in zip(self.labels.names, pixels) if count}

    @property
    def accuracy(self) -> float:
        """Of pixels."""
        return pixel_accuracy(self.matrix)

    @property
    def ece(self) -> float:
        """Expected calibration error with 15 bins.

        Confidence is the network's in its own class: where several of its classes are scored as one, it is a lower bound.
        """
        return calibration_error(self.reliability)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: percent where the name says so, None for what does not exist."""
        return {'miou_percent': percent(self.miou), 'accuracy_percent': percent(self.accuracy),
                'ece_percent': percent(self.ece), 'num_images': self.num_images, 'seconds': round(self.seconds, 3),
                'labels': self.labels.name, 'iou_percent': {name: percent(value) for name, value in self.iou.items()},
                'confusion_pixels': self.matrix.tolist(),
                'images': [{'name': image.name, 'miou_percent': percent(image.miou)} for image in self.images]}


def percent(share: float) -> float | None:
    """In percent, to two digits; None for NaN."""
    return None if math.isnan(share) else round(100 * share, 2)

"""The contact sheet of a data set: its best, median and worst pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from uda_seg_ros.labels import LabelSpace
from uda_seg_ros.report.sheet import Strip
from uda_seg_ros.runtime.render import colorize

from ..samples import Sample
from .score import Marker
from .scores import ImageScore

EACH = 2
RIGHT, WRONG, UNLABELLED = (214, 224, 218), (200, 42, 30), (120, 120, 120)


def extremes(images: Sequence[ImageScore], each: int = EACH) -> list[tuple[str, ImageScore]]:
    """('best', 'median' or 'worst', picture), up to `each` of a kind, none twice, none without labels."""
    ranked = sorted((image for image in images if not math.isnan(image.miou)), key=lambda image: -image.miou)
    if len(ranked) < 3 * each:
        kinds = ('best', 'median', 'worst') if len(ranked) > 2 else ('best', 'worst')
        return [(kinds[place * len(kinds) // len(ranked)], image) for place, image in enumerate(ranked)]
    middle = (len(ranked) - each) // 2
    places = [('best', range(each)), ('median', range(middle, middle + each)), ('worst', range(-each, 0))]
    return [(kind, ranked[place]) for kind, of_kind in places for place in of_kind]


def strips(images: Sequence[ImageScore], dataset: Sequence[Sample], marker: Marker, space: LabelSpace) -> list[Strip]:
    """Camera, label, prediction and errors of the extremes; they are predicted once more."""
    found = []
    for kind, image in extremes(images):
        sample = dataset[image.index]
        label, mask, _ = marker.look(sample)
        pictures = {'camera': sample.image, 'label': colorize(label, space.palette()),
                    'prediction': colorize(mask, space.palette()), 'errors': errors(sample.image, label, mask, space)}
        found.append(Strip(f'{kind}: mIoU {100 * image.miou:.1f} %', image.name, pictures))
    return found


def errors(image: np.ndarray, label: np.ndarray, mask: np.ndarray, space: LabelSpace) -> np.ndarray:
    """HxWx3: wrong pixels red over the pale picture, unlabelled ones grey."""
    kind = np.where(label >= space.num_classes, 2, (label != mask).astype(np.uint8))
    color = np.array([RIGHT, WRONG, UNLABELLED], np.uint8)[kind]
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.where((kind == 1)[..., None], cv2.addWeighted(grey, 0.15, color, 0.85, 0),
                    cv2.addWeighted(grey, 0.6, color, 0.4, 0))

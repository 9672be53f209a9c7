"""Score a bundle as the vehicle runs it: through the engine, at the pictures' own size."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from tqdm import tqdm

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.labels import LabelSpace, mapping
from uda_seg_ros.metrics import confusion, mean_iou, reliability
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame

from ..samples import Sample
from .scores import ImageScore, Scores
from .views import Predictor, Views, predictor


class EvaluationError(ValueError):
    """Something cannot be scored. The text says what and why."""


def confusion_of(engine: Engine, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Cx(C+1) int64 over pairs of image HxWx3 uint8 RGB and label HxW uint8 in the engine's label space."""
    num_classes = engine.labels.num_classes
    total = np.zeros((num_classes, num_classes + 1), np.int64)
    for image, label in pairs:
        total += confusion(label, engine(Frame(image), confidence=False).mask, num_classes)
    return total


def score(bundle: Bundle, dataset: Sequence[Sample], *, labels: LabelSpace | None = None, device: str = 'auto',
          views: Views | None = None, limit: int | None = None, title: str = '') -> Scores:
    """Run the bundle's network over a labelled data set.

    dataset: has `labels`, the space of its samples' labels. labels: the space to score in, by default `scoring_space`.
    views: windows and flips; without, pictures are seen as on the vehicle. limit: so many pictures, spread over the set.
    title: of the progress bar, '' for none. Raises EvaluationError, EngineError, and what the data set raises.
    """
    marker = marker_of(bundle, dataset, labels, device, views or Views())
    for index in tqdm(chosen(len(dataset), limit), desc=title, unit=' images', disable=not title):
        marker.add(index, dataset[index])
    return marker.scores()


def marker_of(bundle: Bundle, dataset: Sequence[Sample], labels: LabelSpace | None, device: str, views: Views) -> Marker:
    """A marker with the bundle's engine. It computes with as many threads as torch has now; the engine alone sets one."""
    if dataset.labels is None:
        raise EvaluationError('the data has no labels, so nothing can be scored')
    space = labels or scoring_space(bundle.labels, dataset.labels)
    engine = Engine(bundle, device=device, size=views.size, threads=torch.get_num_threads())
    return Marker(predictor(engine, views), space, mapping(bundle.labels, space), mapping(dataset.labels, space))


class Marker:
    """Marks predictions against labels, both brought to the space `labels` by lookup tables (256 uint8, labels.mapping)."""

    def __init__(self, predict: Predictor, labels: LabelSpace, of_masks: np.ndarray, of_labels: np.ndarray) -> None:
        self._predict = predict
        self._labels = labels
        self._of_masks, self._of_labels = of_masks, of_labels
        self._matrix = np.zeros((labels.num_classes, labels.num_classes + 1), np.int64)
        self._reliability = np.zeros((256, 2), np.int64)
        self._images: list[ImageScore] = []
        self._seconds = 0.0

    def look(self, sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(label, mask, confidence), HxW uint8, of one picture. Raises EvaluationError without a label of its size."""
        height, width = sample.image.shape[:2]
        if sample.label is None:
            raise EvaluationError(f'{sample.name}: has no label')
        if sample.label.shape != (height, width):
            raise EvaluationError(f'{sample.name}: the picture has {width}x{height} pixels, its label '
                                  f'{sample.label.shape[1]}x{sample.label.shape[0]}')
        mask, confidence = self._predict(sample.image)
        return self._of_labels[sample.label], self._of_masks[mask], confidence

    def add(self, index: int, sample: Sample) -> None:
        """Count one picture."""
        began = time.perf_counter()
        label, mask, confidence = self.look(sample)
        self._seconds += time.perf_counter() - began
        matrix = confusion(label, mask, self._labels.num_classes)
        self._matrix += matrix
        self._reliability += reliability(label, mask, confidence, self._labels.num_classes)
        self._images.append(ImageScore(index, sample.name, mean_iou(matrix)))

    def scores(self) -> Scores:
        return Scores(self._labels, self._matrix, self._reliability, tuple(self._images), self._seconds)


def scoring_space(bundle: LabelSpace, data: LabelSpace) -> LabelSpace:
    """The coarser of both: predictions are brought to the data's classes where these are fewer, else labels to the bundle's.

    Raises EvaluationError if they have no class in common.
    """
    space = data if data.num_classes < bundle.num_classes else bundle
    other = bundle if space is data else data
    if (mapping(other, space) >= space.num_classes).all():
        raise EvaluationError(f'the label spaces {bundle.name} (bundle) and {data.name} (data) have no class in common')
    return space


def chosen(count: int, limit: int | None) -> list[int]:
    """Indices of all, or of `limit` spread evenly, each at the middle of its share."""
    if limit is None or limit >= count:
        return list(range(count))
    return [(2 * place + 1) * count // (2 * limit) for place in range(limit)]

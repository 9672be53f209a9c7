"""What a method leaves of a stream: pixel counts of each frame, events and signals; all measures come from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..metrics import confusion
from ..storage.whole_file import write_whole

WINDOW = 30  # frames over which mIoU is compared


@dataclass(frozen=True)
class Happening:
    """An event of a method at a frame. kind: as online.status.Event's."""

    frame: int
    kind: str
    text: str = ''


@dataclass(frozen=True, eq=False)
class Trace:
    """counts: Nx3xC int64, of each frame and class the pixels hit, labelled and predicted (of the labelled ones).

    lost: N bool, frames for which an older mask was served. signals: name -> N float64 without labels, NaN where not told.
    """

    counts: np.ndarray
    lost: np.ndarray
    happenings: tuple[Happening, ...] = ()
    signals: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.counts)

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        said = json.dumps([vars(happening) for happening in self.happenings])
        arrays = {f'signal_{name}': values for name, values in self.signals.items()}

        def write(draft: Path) -> None:
            with open(draft, 'wb') as file:
                np.savez_compressed(file, counts=self.counts, lost=self.lost, happenings=np.array(said), **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)

    @staticmethod
    def load(path: Path) -> Trace:
        with np.load(path) as found:
            happenings = tuple(Happening(**each) for each in json.loads(str(found['happenings'])))
            signals = {name.removeprefix('signal_'): found[name] for name in found.files if name.startswith('signal_')}
            return Trace(found['counts'], found['lost'], happenings, signals)


def count(label: np.ndarray, mask: np.ndarray, num_classes: int) -> np.ndarray:
    """3xC int64 of one frame: pixels hit, labelled and predicted."""
    matrix = confusion(label, mask, num_classes)
    return np.stack([np.diagonal(matrix), matrix.sum(axis=1), matrix[:, :num_classes].sum(axis=0)])


def miou(counts: np.ndarray) -> np.ndarray:
    """mIoU in percent over the labelled classes, of ...x3xC summed counts; NaN without labels. As metrics.mean_iou."""
    hit, labelled, predicted = (counts[..., row, :].astype(np.float64) for row in range(3))
    there = labelled > 0
    union = np.where(there, labelled + predicted - hit, 1)
    number = there.sum(axis=-1)
    total = np.where(there, hit / union, 0).sum(axis=-1)
    return 100 * np.divide(total, number, out=np.full(number.shape, np.nan), where=number > 0)

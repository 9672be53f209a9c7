"""The labelled source on board, at the size that the network runs at, and what is normal there."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..bundle import Bundle
from ..labels import IGNORE
from ..replay import GATE, REPLAY, Crop, Crops, ReplayError
from ..shift_signals import SIGNALS, Moments, feature_distance, pooled
from ..source_statistics import SourceStatistics, StatisticsError
from .anchor import Anchor
from .pictures import fitted
from .settings import AdaptationError
from .shift_score import ShiftScore

FEWEST = 8  # gate crops with a label: fewer judge nothing


class Fitted(Sequence[Crop]):
    """Crops at the size of the network's input. Each access decodes anew."""

    def __init__(self, crops: Crops, size: tuple[int, int]) -> None:
        self._crops, self._size = crops, size

    def __len__(self) -> int:
        return len(self._crops)

    def __getitem__(self, index: int) -> Crop:
        return fitted(self._crops[index], self._size)


class Source:
    """replay, gate: crops as they are stored. Raises AdaptationError where the bundle lacks them or they are damaged."""

    def __init__(self, bundle: Bundle) -> None:
        try:
            self.replay, self.gate = (Crops(bundle.replay or {}, name) for name in (REPLAY, GATE))
            self._statistics = SourceStatistics.of(bundle.replay or {})
            self.size = self.gate.size
            # Once, at the start: a damaged crop must not end a drive.
            train = _num_labelled(self.replay, REPLAY, bundle.labels.num_classes)
            judge = _num_labelled(self.gate, GATE, bundle.labels.num_classes)
        except (ReplayError, StatisticsError) as error:
            raise AdaptationError(f'adaptation needs labelled source on board: {error}') from error
        if not train or judge < FEWEST:
            raise AdaptationError(f'adaptation needs labelled source on board: {train} crops with a label to train on and '
                                  f'{judge} to judge with, needed are 1 and {FEWEST}; export the bundle with more')

    def normal(self) -> Normal:
        """As the desk measured it, for a network that runs at the size of the crops."""
        return Normal(self._statistics.features, self._statistics.signals)


def _num_labelled(crops: Crops, name: str, num_classes: int) -> int:
    """Crops with a labelled pixel. Raises ReplayError where one is damaged, or labelled with what is no class."""
    count = 0
    for number, (_, label) in enumerate(crops):
        valid = label < num_classes
        wrong = label[~valid & (label != IGNORE)]
        if len(wrong):
            raise ReplayError(f'replay memory: crop {number} of {name} has pixels of class {wrong[0]}, and the network has '
                              f'{num_classes} classes, from 0 on; export the bundle again, with the labels of its network')
        count += bool(valid.any())
    return count


class Normal:
    """What is normal on the source. moments: of the features. score: how unusual signals are."""

    def __init__(self, moments: Sequence[Moments], signals: torch.Tensor) -> None:
        self.moments, self.signals = tuple(moments), signals
        self.score = ShiftScore(signals)


class Calibration:
    """Measures what is normal on the gate crops at another size than the desk did, one crop a piece."""

    def __init__(self, source: Source, anchor: Anchor, size: tuple[int, int]) -> None:
        self._crops, self._anchor = Fitted(source.gate, size), anchor
        self._moments: list[tuple[Moments, ...]] = []
        self._signals: list[tuple[float, ...]] = []

    def state_dict(self) -> dict:
        return {'moments': [[tuple(layer) for layer in of_crop] for of_crop in self._moments],
                'signals': list(self._signals)}

    def load_state_dict(self, state: dict) -> None:
        self._moments = [tuple(Moments(*layer) for layer in of_crop) for of_crop in state['moments']]
        self._signals = list(state['signals'])

    def piece(self) -> Normal | None:
        """None until all crops were seen."""
        sight = self._anchor.look(self._crops[len(self._moments)].image)
        self._moments.append(sight.moments)
        self._signals.append(sight.signals)
        if len(self._moments) < len(self._crops):
            return None
        moments = [pooled([of_crop[layer] for of_crop in self._moments]) for layer in range(len(self._moments[0]))]
        signals = torch.tensor([(feature_distance(of_crop, moments), *others)
                                for of_crop, others in zip(self._moments, self._signals)])
        assert signals.shape[1] == len(SIGNALS)
        return Normal(moments, signals)

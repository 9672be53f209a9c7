"""What a bundle carries of the source: replay memory, gate set and source statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.config import ConfigError
from uda_seg_ros.replay import GATE, QUALITY, REPLAY, pack
from uda_seg_ros.runtime.engine import Engine

from ..datasets import Dataset
from ..samples import Sample
from .feature_statistics import source_statistics
from .replay import Pictures, Place, candidates, choose, crops, spread

POOL = 4  # so many pictures a wanted crop are looked at
GATE_EACH = 5  # without gate data every so-manieth picture of the source is the gate's (as CamVid's in the spec)
MEGABYTE = 1e6


@dataclass(frozen=True)
class Amounts:
    """replay, gate: crops to train on and to judge with. megabytes: the most that both may take, split by their numbers.
    statistics: pictures to measure. seed: of every choice. quality: of the crops' JPEG files, up to 100.
    """

    replay: int = 256
    gate: int = 64
    megabytes: float = 64.0
    statistics: int = 256
    seed: int = 0
    quality: int = QUALITY

    def __post_init__(self) -> None:
        if min(self.replay, self.statistics) < 1 or self.gate < 0 or self.megabytes <= 0:
            raise ConfigError('replay and statistics must be 1 or more, gate 0 or more, megabytes above 0')


def source_memory(bundle: Bundle, source: Sequence[Dataset], gate: Sequence[Dataset], amounts: Amounts, *,
                  device: str = 'auto', quiet: bool = False) -> dict[str, torch.Tensor]:
    """Tensors for Bundle.replay.

    source, gate: labelled data in the bundle's label space; gate may be empty: pictures of the source are held out from
    the replay memory then (not from the training that was). Statistics are of the gate data where there are any: pictures
    the network was not trained on tell better what is normal.
    """
    rng = np.random.default_rng(amounts.seed)
    engine = Engine(bundle, device=device, threads=torch.get_num_threads())
    size = engine.network_size(bundle.preprocess.height, bundle.preprocess.width)
    pools = {REPLAY: Pictures(tuple(source)), GATE: Pictures(tuple(gate or source))}
    wanted = {REPLAY: amounts.replay, GATE: amounts.gate}
    found: dict[str, torch.Tensor] = {}
    for name, places in _apart(pools, wanted, bool(gate), rng).items():
        pictures, bytes_each = pools[name], MEGABYTE * amounts.megabytes / sum(wanted.values())
        chosen = choose(pictures, places, size, bundle.labels.num_classes, wanted[name], rng, '' if quiet else name)
        found |= pack(crops(pictures, chosen, size, '' if quiet else name), name, bundle.labels.num_classes,
                      bytes_each * wanted[name], amounts.quality)
    samples = _samples(pools[GATE], spread(len(pools[GATE]), amounts.statistics, rng), quiet)
    return found | source_statistics(engine, samples).tensors()


def _apart(pools: dict[str, Pictures], wanted: dict[str, int], own_gate: bool, rng: np.random.Generator,
           ) -> dict[str, list[Place]]:
    """Where crops may come from; no picture may serve both."""
    if own_gate:
        return {name: candidates(spread(len(pools[name]), POOL * wanted[name], rng), rng) for name in pools}
    held = np.arange(len(pools[GATE])) % GATE_EACH == GATE_EACH - 1 if wanted[GATE] else np.zeros(len(pools[GATE]), bool)
    numbers = {REPLAY: np.flatnonzero(~held), GATE: np.flatnonzero(held)}
    return {name: candidates(numbers[name][spread(len(numbers[name]), POOL * wanted[name], rng)].tolist(), rng)
            for name in pools}


def _samples(pictures: Pictures, numbers: Sequence[int], quiet: bool) -> Iterator[Sample]:
    for number in tqdm(numbers, desc='statistics', unit=' images', disable=quiet):
        dataset, index = pictures.find(number)
        yield dataset[index]

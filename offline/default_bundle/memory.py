"""What the package's bundle carries of its source: crops of the drives it was trained on, and of drives it never saw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from uda_seg_ros.bundle import Bundle

from ..datasets.procedural import Procedural
from ..export.source_memory import Amounts, source_memory
from ..synthesize.drives import Drives
from .recipe import Recipe

UNSEEN = 900  # added to a seed of training: the drive that judges; neither trained on nor scored by the recipe
THIN = 5  # of so many frames of a drive one is looked at: neighbours show the same place
AMOUNTS = Amounts(replay=64, gate=48, megabytes=4.9, quality=82)


def with_memory(bundle: Bundle, recipe: Recipe, work: Path, report: Callable[[str], None]) -> Bundle:
    """The bundle with replay memory, gate set and statistics. work: folder for the rendered drives."""
    source, gate = drives_of(recipe)
    report(f'rendering {len(source.seeds) + len(gate.seeds)} drives of {source.frames} frames for the replay memory')
    datasets = [[Procedural(work, drives)] for drives in (source, gate)]
    replay = source_memory(bundle, *datasets, AMOUNTS, device='cpu', quiet=True)
    words = {'source': f'{source.town}, weather {source.weather}, seeds {source.seeds[0]} to {source.seeds[-1]}',
             'gate': f'seeds {gate.seeds[0]} to {gate.seeds[-1]}, not trained on', 'seed': AMOUNTS.seed}
    return dataclasses.replace(bundle, replay=replay, provenance={**bundle.provenance, 'replay': words})


def drives_of(recipe: Recipe) -> tuple[Drives, Drives]:
    """(to train on, to judge with): the recipe's own drives, thinned, and the same number of unseen ones."""
    train = recipe.train
    source = dataclasses.replace(train, frames=-(-train.frames // THIN), fps=train.fps / THIN)
    return source, dataclasses.replace(source, seeds=tuple(seed + UNSEEN for seed in train.seeds))

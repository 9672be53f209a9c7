"""The loader of a stage, over the data sets of its recipe."""

from __future__ import annotations

from pathlib import Path

from uda_seg_ros.labels import LABEL_SPACES

from ..datasets import open_dataset
from ..loading.loader import Loader
from ..recipe import Recipe, Stage
from .distributed import World


def stage_loader(recipe: Recipe, stage: Stage, seed: int, world: World, target_labels: Path | None = None) -> Loader:
    """seed: of order and crops. target_labels: folder of pseudo-labels. Raises DatasetError where data is missing."""
    labels = LABEL_SPACES[recipe.data.labels]
    source, target = ([open_dataset(spec, labels, 'train', f'data: {side}') for spec in getattr(recipe.data, side)]
                      for side in ('source', 'target'))
    return Loader(source, target, stage.loader or recipe.loader, seed, world.rank, world.size, target_labels)

"""A recipe: what is trained on which drives and how, read from YAML. Its nouns are those of the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from uda_seg_ros.bundle import ModelSpec, Preprocess
from uda_seg_ros.config import ConfigError, from_mapping

from ..synthesize.drives import Drives

RECIPES = Path(__file__).parent


@dataclass(frozen=True)
class Augmentation:
    """How a crop is made.

    crop: (height, width) in pixels. scale: the least and the greatest enlargement. brightness, contrast, saturation: the
    greatest change, as a factor. hue: the greatest shift in degrees of 360. blur: the greatest standard deviation in
    pixels, of half of the crops. noise: the greatest standard deviation in grey levels.
    """

    crop: tuple[int, int]
    scale: tuple[float, float] = (0.75, 1.5)
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 12.0
    blur: float = 1.0
    noise: float = 6.0


@dataclass(frozen=True)
class Training:
    """steps: optimiser steps. rate: the highest learning rate, reached after `warmup` steps, then falling to 0 as a power
    of the steps left. balance: weight of a class = (its share of pixels) ** -balance, at most `heaviest` times that of
    the most frequent. dice: weight of the Dice loss beside the cross-entropy.
    """

    steps: int
    batch: int
    rate: float
    weight_decay: float = 0.01
    warmup: int = 100
    power: float = 0.9
    balance: float = 0.5
    heaviest: float = 10.0
    dice: float = 0.5


@dataclass(frozen=True)
class Recipe:
    """seed: of weights, crops and order. evaluate: drives by the name that their score gets."""

    seed: int
    network: ModelSpec
    preprocess: Preprocess
    train: Drives
    augmentation: Augmentation
    training: Training
    evaluate: Mapping[str, Drives]


def load_recipe(path: Path) -> Recipe:
    """Raises ConfigError if the file cannot be read or holds what a recipe does not."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'{path}: cannot be read: {error}') from error
    recipe = from_mapping(Recipe, content, str(path))
    evaluate = {name: from_mapping(Drives, drives, f'{path}: evaluate: {name}')
                for name, drives in recipe.evaluate.items()}
    return Recipe(**{**vars(recipe), 'evaluate': evaluate})

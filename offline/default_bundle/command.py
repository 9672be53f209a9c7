"""Render drives, train the default network on them, score it on drives it never saw, write the bundle with its memory."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import torch

from uda_seg_ros.bundle import Bundle, BundleError
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.metrics import iou, mean_iou
from uda_seg_ros.models import build
from uda_seg_ros.runtime.engine import Engine

from ..evaluate import confusion_of
from ..provenance import commit, versions
from ..synthesize.drives import frames_of, rendered
from .memory import with_memory
from .recipe import RECIPES, Recipe, load_recipe
from .supervised import train


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m offline default-bundle', description=__doc__)
    parser.add_argument('--out', type=Path, required=True, help='folder of the bundle; must not exist yet')
    parser.add_argument('--recipe', type=Path, default=RECIPES / 'default_bundle.yaml')
    parser.add_argument('--trained', type=Path, metavar='BUNDLE',
                        help='do not train: copy this bundle, which the recipe made, and only make its replay memory anew')
    parser.add_argument('--work', type=Path, help='keep the rendered drives in this folder, for the next time')
    options = parser.parse_args(arguments)
    if options.out.exists():
        print(f'error: {options.out}: exists already; remove it or choose another folder', file=sys.stderr)
        return 1
    try:
        recipe = load_recipe(options.recipe)
        with tempfile.TemporaryDirectory() as folder:
            work = options.work or Path(folder)
            bundle = trained(options.trained, options.recipe) if options.trained else make_bundle(recipe, work, _say)
            bundle = with_memory(bundle, recipe, work, _say)
        provenance = {'recipe': options.recipe.name, 'recipe_sha256': _sha256(options.recipe), **bundle.provenance}
        dataclasses.replace(bundle, provenance=provenance).save(options.out)
    except (BundleError, ConfigError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    _say(f'bundle written to {options.out}')
    return 0


def trained(folder: Path, recipe: Path) -> Bundle:
    """A bundle that the recipe's file made. Raises BundleError if another one did."""
    bundle = Bundle.load(folder)
    if bundle.provenance.get('recipe_sha256') != _sha256(recipe):
        raise BundleError(f'{folder}: was not made by {recipe} as it is now; train it, or name its own recipe')
    return bundle


def make_bundle(recipe: Recipe, work: Path, report: Callable[[str], None]) -> Bundle:
    """Train and score. work: folder for the rendered drives."""
    torch.set_num_threads(1)  # one thread sums in one order: the same weights every time
    cv2.setNumThreads(1)
    torch.manual_seed(recipe.seed)
    report(f'rendering {len(recipe.train.seeds)} drives of {recipe.train.frames} frames')
    images, labels = rendered(recipe.train, work)
    network = build(recipe.network.name, CITYSCAPES.num_classes, **recipe.network.settings)
    report(f'training {recipe.network.name} for {recipe.training.steps} steps')
    began = time.monotonic()
    train(network, images, labels, recipe, report)
    bundle = Bundle(recipe.network, CITYSCAPES, recipe.preprocess,
                    {name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    provenance = {'seed': recipe.seed, 'trained_on': _words(recipe), 'minutes': round((time.monotonic() - began) / 60, 1),
                  'code': commit(), 'versions': versions(), **scores(bundle, recipe, report)}
    return dataclasses.replace(bundle, provenance=provenance)


def scores(bundle: Bundle, recipe: Recipe, report: Callable[[str], None]) -> dict[str, Any]:
    """miou_percent of every evaluation of the recipe, iou_percent by class of the first."""
    engine, miou, classes = Engine(bundle, device='cpu'), {}, {}
    for name, drives in recipe.evaluate.items():
        matrix = confusion_of(engine, frames_of(drives))
        miou[name] = round(100 * mean_iou(matrix), 1)
        report(f'mIoU on {name}: {miou[name]} %')
        of_class = {CITYSCAPES.names[i]: round(100 * value, 1) for i, value in enumerate(iou(matrix).tolist())
                    if matrix[i].sum()}
        classes = classes or of_class
    return {'miou_percent': miou, 'iou_percent': classes}


def _words(recipe: Recipe) -> str:
    drives = recipe.train
    return (f'{len(drives.seeds) * drives.frames} procedural frames of {drives.town}, weather {drives.weather}, '
            f'seeds {drives.seeds[0]} to {drives.seeds[-1]}')


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == '__main__':
    sys.exit(main())

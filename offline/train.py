"""Train a recipe's stages into a run folder; torchrun starts it unchanged on several devices or hosts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from uda_seg_ros.bundle import BundleError
from uda_seg_ros.config import ConfigError

from .checkpoint import CheckpointError
from .datasets import DatasetError
from .distributed import DeviceError
from .load_recipe import load_recipe
from .loss_history import TrainingError
from .run_folder import RunError
from .stage_run import Interrupted
from .stages import train_recipe

ERRORS = (ConfigError, DatasetError, RunError, CheckpointError, TrainingError, DeviceError, BundleError, OSError)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m offline train', description=__doc__)
    add_recipe(parser)
    parser.add_argument('--out', type=Path, required=True, help='folder of the run')
    parser.add_argument('--resume', action='store_true', help='go on where the run stands; begin it if there is none')
    parser.add_argument('--steps', type=int, help='at most so many steps a stage, to try a recipe')
    parser.add_argument('--device', help='cpu, cuda or cuda:N; default: cuda where there is one')
    options = parser.parse_args(arguments)
    try:
        recipe = load_recipe(options.recipe, options.set)
        train_recipe(recipe, options.out, resume=options.resume, device=options.device, max_steps=options.steps, report=say)
    except ERRORS as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        return 130
    say(f'run written to {options.out}; make a bundle of it by: python -m offline export {options.out} --out BUNDLE')
    return 0


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a recipe and change it."""
    parser.add_argument('recipe', type=Path, metavar='RECIPE.yaml')
    parser.add_argument('--set', nargs='+', action='extend', default=[], metavar='KEY=VALUE',
                        help="change the recipe, as 'loader.batch=4', 'stages.adapt.steps=100', 'data.target=bag:/path'")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == '__main__':
    sys.exit(main())

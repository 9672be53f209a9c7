"""Train a recipe's stages into a run folder; torchrun starts it unchanged on several devices or hosts."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from ..errors import told
from ..load_recipe import load_recipe
from .distributed import leads
from .stages import INTERVALS, train_recipe


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m offline train', description=__doc__)
    add_recipe(parser)
    parser.add_argument('--out', type=Path, required=True, help='folder of the run')
    parser.add_argument('--resume', action='store_true', help='go on where the run stands; begin it if there is none')
    parser.add_argument('--steps', type=int, help='at most so many steps a stage, to try a recipe')
    parser.add_argument('--device', help='cpu, cuda or cuda:N; default: cuda where there is one')
    parser.add_argument('--checkpoint-every', type=float, default=INTERVALS.checkpoint_s, metavar='SECONDS',
                        help='least time between two checkpoints (default: %(default)s)')
    options = parser.parse_args(arguments)

    def run() -> None:
        recipe = load_recipe(options.recipe, options.set)
        intervals = dataclasses.replace(INTERVALS, checkpoint_s=options.checkpoint_every)
        train_recipe(recipe, options.out, resume=options.resume, device=options.device, report=say,
                     max_steps=options.steps, intervals=intervals)
        if leads():
            say(f'run written to {options.out}; make a bundle of it by: python -m offline export {options.out} --out BUNDLE')
    return told(run)


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a recipe and change it."""
    parser.add_argument('recipe', type=Path, metavar='RECIPE.yaml')
    parser.add_argument('--set', nargs='+', action='extend', default=[], metavar='KEY=VALUE',
                        help="change the recipe, as 'loader.batch=4', 'stages.adapt.steps=100', 'data.target=bag:/path'")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == '__main__':
    sys.exit(main())

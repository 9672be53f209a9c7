"""How fast a recipe trains, where a step's time goes, and how far it is from its networks' bare forward and backward."""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from uda_seg_ros.config import ConfigError
from uda_seg_ros.storage.whole_file import write_text

from ..errors import told
from ..load_recipe import load_recipe
from ..methods import METHODS
from ..recipe import Recipe, Stage
from ..roles import networks_of
from ..samples import Batch
from .bare_networks import Calls, record_calls
from .command import add_recipe, say
from .distributed import World, joined
from .seeding import derived
from .stage_data import stage_loader
from .stage_networks import make_method
from .trainer import Trainer, make_trainer

PARTS = ('loading', 'forward', 'backward', 'optimiser', 'rest')
ROUNDS = 5


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m offline bench-train', description=__doc__)
    add_recipe(parser)
    parser.add_argument('--stage', help="name of the stage to measure (default: the recipe's last)")
    parser.add_argument('--steps', type=int, default=10, help='steps of a round; there are 5 rounds (default: %(default)s)')
    parser.add_argument('--device', help='cpu, cuda or cuda:N; default: cuda where there is one')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the numbers here too')
    options = parser.parse_args(arguments)

    def run() -> None:
        with joined(options.device) as world:
            numbers = measure(load_recipe(options.recipe, options.set), options.stage, options.steps, world)
        if world.leads:
            show(numbers)
            if options.json:
                write_text(options.json, json.dumps(numbers, indent=1) + '\n')
    return told(run)


def measure(recipe: Recipe, stage_name: str | None, steps: int, world: World) -> dict[str, Any]:
    """images_per_s, ms of a step by part, the bare networks' ms and the ratio of the two: medians over rounds.

    Rounds of three kinds take turns, so that a busy machine disturbs all alike: whole steps as training does them; whole
    steps with a wait for the device after each part; the bare networks. Initial weights from earlier stages are left out.
    """
    stage = _stage(recipe, stage_name)
    seed = derived(recipe.seed, 'bench')
    trainer = _trainer(recipe, stage, seed, world)
    needs_labels = trainer.method.LABELS_TARGET
    batches = _with_labels(stage_loader(recipe, stage, seed, world).batches(0), needs_labels, trainer.method.num_classes)
    trainer.method.train()
    calls = warm_up(trainer, batches, steps)
    rounds: dict[str, list[float]] = {'step': [], 'bare': [], **{part: [] for part in PARTS}}
    for _ in range(ROUNDS):
        rounds['step'].append(_seconds(lambda: _steps(trainer, batches, steps), world) / steps)
        for part, seconds in _by_part(trainer, batches, steps).items():
            rounds[part].append(seconds / steps)
        rounds['bare'].append(_seconds(lambda: [calls.replay() for _ in range(steps)], world) / steps)
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    batch = (stage.loader or recipe.loader).batch * world.size
    return {'stage': stage.name, 'method': stage.method, 'device': str(world.device), 'threads': torch.get_num_threads(),
            'images_per_s': batch / medians['step'], 'step_ms': 1000 * medians['step'],
            'part_ms': {part: 1000 * medians[part] for part in PARTS}, 'bare_ms': 1000 * medians['bare'],
            'ratio': medians['step'] / medians['bare'], 'calls': calls.words()}


def show(numbers: dict[str, Any]) -> None:
    """The numbers as people read them."""
    say(f'{numbers["stage"]} ({numbers["method"]}) on {numbers["device"]}, {numbers["threads"]} threads on the host')
    say(f'{numbers["images_per_s"]:.2f} images/s (source images; as many target images are trained on beside them)')
    total = sum(numbers['part_ms'].values())
    for part, ms in numbers['part_ms'].items():
        say(f'  {part:<10} {ms:9.2f} ms  {ms / total:6.1%}')
    say(f'  {"step":<10} {numbers["step_ms"]:9.2f} ms')
    say(f'  {"bare":<10} {numbers["bare_ms"]:9.2f} ms  the same calls of the same networks on a constant batch: '
        f'{"; ".join(numbers["calls"])}')
    say(f'a step takes {numbers["ratio"]:.2f} times the bare networks')


def warm_up(trainer: Trainer, batches: Iterator[Batch], steps: int) -> Calls:
    """Some steps that are not measured; what the networks are called with in one of them."""
    _steps(trainer, batches, min(3, steps))
    with record_calls(trainer.method) as calls:
        _steps(trainer, batches, 1)
    calls.replay()
    trainer.history.fetch()
    return calls


def _stage(recipe: Recipe, name: str | None) -> Stage:
    found = [stage for stage in recipe.stages if name in (None, stage.name)]
    if not found:
        raise ConfigError(f'--stage {name}: there are {", ".join(stage.name for stage in recipe.stages)}')
    return found[-1]


def _trainer(recipe: Recipe, stage: Stage, seed: int, world: World) -> Trainer:
    networks = networks_of(METHODS[stage.method], recipe.networks, stage.networks, stage.init)
    stage = dataclasses.replace(stage, networks=networks, init={})
    method = make_method(recipe, stage, lambda origin: {}, lambda line: None)
    return make_trainer(recipe, stage, method, seed, world)


def _with_labels(batches: Iterator[Batch], needed: bool, num_classes: int) -> Iterator[Batch]:
    """Pseudo-labels drawn at random, for methods that take them from a folder."""
    for batch in batches:
        label = torch.randint(num_classes, batch.target_image[:, 0].shape, dtype=torch.uint8) if needed else None
        yield Batch(batch.source_image, batch.source_label, batch.target_image, label)


def _steps(trainer: Trainer, batches: Iterator[Batch], count: int) -> None:
    for _ in range(count):
        trainer.train_step(next(batches))
    trainer.history.fetch()


def _by_part(trainer: Trainer, batches: Iterator[Batch], count: int) -> dict[str, float]:
    """Seconds in each part, waiting for the device after each."""
    spent = dict.fromkeys(PARTS, 0.0)
    last = time.perf_counter()

    def mark(part: str) -> None:
        nonlocal last
        _wait(trainer.world)
        now = time.perf_counter()
        spent[part] += now - last
        last = now
    for _ in range(count):
        batch = next(batches)
        mark('loading')
        trainer.train_step(batch, mark)
    trainer.history.fetch()
    return spent


def _seconds(work: Callable[[], Any], world: World) -> float:
    _wait(world)
    began = time.perf_counter()
    work()
    _wait(world)
    return time.perf_counter() - began


def _wait(world: World) -> None:
    if world.device.type == 'cuda':
        torch.cuda.synchronize(world.device)


if __name__ == '__main__':
    sys.exit(main())

"""A recipe's stages, one after the other, into a run folder; what is finished is not done again."""

from __future__ import annotations

import dataclasses
import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from uda_seg_ros.config import to_mapping
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.storage.whole_file import write_text

from ..load_recipe import as_yaml
from ..methods import METHODS
from ..provenance import commit, versions
from ..recipe import Recipe
from . import distributed
from .distributed import World
from .log_pictures import Pictures
from .logbook import Logbook
from .run_folder import RECIPE, RunError, RunFolder, StageFolder
from .seeding import derived
from .stage_data import stage_loader
from .stage_networks import check_stages, make_method, saved_parts
from .stage_run import Intervals, StageRun
from .target_pass import TargetImages, label_target, prepare
from .target_statistics import NUM_BATCHES, take_target_statistics
from .trainer import Trainer, make_trainer

Report = Callable[[str], None]
INTERVALS = Intervals()
SAVED = ('*/checkpoint.pt', '*/networks', '*/pseudo_labels/*')  # below a run: what took time to make
FREE = {'workers', 'cache_mb'}  # keys of a recipe that change no result, so a resumed run may change them


def train_recipe(recipe: Recipe, out: Path, *, resume: bool = False, device: str | None = None, report: Report = print,
                 max_steps: int | None = None, intervals: Intervals = INTERVALS) -> RunFolder:
    """Train every stage and return the run.

    resume: go on where `out` stands; begin where it is empty. max_steps: of every stage. Under torchrun every process calls
    this with the same arguments; the folder must be one that all hosts see.
    Raises ConfigError, RunError, DatasetError, CheckpointError, TrainingError; Interrupted on Ctrl-C.
    """
    if max_steps is not None:
        stages = tuple(dataclasses.replace(stage, steps=min(stage.steps, max_steps)) for stage in recipe.stages)
        recipe = dataclasses.replace(recipe, stages=stages)
    check_stages(recipe)
    with distributed.joined(device) as world, _lock(out, world):
        say = report if world.leads else _silent
        if world.leads:
            _open(recipe, out, resume, world)
        world.wait()
        run = RunFolder(out)
        for folder in run.stages():
            if not folder.done:
                _train_stage(recipe, run, folder, world, say, intervals)
            elif world.leads:  # killed after its last step, perhaps
                _note(run, folder)
                folder.checkpoint.unlink(missing_ok=True)
            world.wait()
        return run


def _train_stage(recipe: Recipe, run: RunFolder, folder: StageFolder, world: World, report: Report,
                 intervals: Intervals) -> None:
    stage = recipe.stages[folder.number]
    report(f'stage {folder.number + 1}/{len(recipe.stages)} {stage.name}: {stage.method}, {stage.steps} steps, on '
           f'{world.device}')
    method = make_method(recipe, stage, lambda origin: _origin(run, origin), report)
    seed = derived(recipe.seed, 'stage', folder.number)
    trainer = make_trainer(recipe, stage, method, seed, world)
    stage_run = StageRun(trainer, folder, intervals, report)
    if stage_run.resume():
        report(f'{stage.name}: goes on after step {trainer.step}')
    else:
        _look_at_target(recipe, trainer, folder, seed, report)
        world.wait()
        stage_run.save()
    world.wait()
    labels = folder.pseudo_labels if METHODS[stage.method].LABELS_TARGET else None
    loader = stage_loader(recipe, stage, seed, world, labels)
    logbook = None
    if world.leads:
        pictures = Pictures(LABEL_SPACES[recipe.data.labels])
        logbook = Logbook(folder.path, stage.name, trainer.step, stage.steps, report, pictures)
    try:
        if trainer.step < stage.steps:
            stage_run.train(loader.batches(trainer.step, stage.steps), logbook)
    finally:
        if logbook:
            logbook.close()
    if world.leads:
        if stage.statistics == 'target':
            report(f'{stage.name}: BatchNorm statistics of the target')
            take_target_statistics(method, loader.batches(stage.steps, stage.steps + NUM_BATCHES))
        _finish(run, folder, stage_run)


def _look_at_target(recipe: Recipe, trainer: Trainer, folder: StageFolder, seed: int, report: Report) -> None:
    """The passes over the target set before step 0."""
    method, world, stage = trainer.method, trainer.world, recipe.stages[folder.number]
    folder.path.mkdir(parents=True, exist_ok=True)
    target = stage_loader(recipe, stage, seed, world).target_images() if recipe.data.target else ()
    images = TargetImages(target, world.device)
    if method.LABELS_TARGET:
        report(f'{stage.name}: labels the target set')
        label_target(method, images, folder.pseudo_labels, world.rank, world.size)
    prepare(method, images, seed)


def _finish(run: RunFolder, folder: StageFolder, stage_run: StageRun) -> None:
    _note(run, folder, steps=stage_run.trainer.step, minutes=round(stage_run.seconds / 60, 3),
          images_per_s=round(stage_run.images / max(stage_run.seconds, 1e-9), 3))
    folder.save_parts(saved_parts(stage_run.trainer.method))
    _note(run, folder)
    folder.checkpoint.unlink(missing_ok=True)


def _note(run: RunFolder, folder: StageFolder, **values: Any) -> None:
    """Write a stage's numbers, and whether it is done, into run.json."""
    stages = run.summary()['stages']
    stages[folder.stage.name] = {**stages.get(folder.stage.name, {}), **values, 'done': folder.done}
    run.update_summary(stages=stages)


def _origin(run: RunFolder, origin: str) -> Mapping[str, torch.Tensor]:
    stage, _, part = origin.partition('.')
    return run.part(part, stage)


def _open(recipe: Recipe, out: Path, resume: bool, world: World) -> None:
    """Write what the run folder starts with, or check that it is the same recipe's. Raises RunError.

    What ended before anything was saved, at a mistyped path of the data perhaps, is no run yet and begins anew.
    """
    if any(path for pattern in SAVED for path in out.glob(pattern)):
        if not resume:
            raise RunError(f'{out}: there is a run already; add --resume to go on with it, or choose another --out')
        if changed := difference(to_mapping(RunFolder(out).recipe()), to_mapping(recipe)):
            raise RunError(f'{out}: the recipe has changed since the run began: {changed}; go on with the old one '
                           f'({out / RECIPE}), or choose another --out')
    else:
        write_text(out / RECIPE, as_yaml(recipe))
    before = RunFolder(out).summary() if (out / 'run.json').exists() else {'stages': {}}
    RunFolder(out).update_summary(recipe=to_mapping(recipe), seed=recipe.seed, code=commit(), versions=versions(),
                                  world_size=world.size, device=world.device.type, stages=before['stages'])


def difference(old: Any, new: Any, key: str = '') -> str:
    """The first difference of two recipes as mappings, in words; '' for none that changes a result."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            if name not in FREE and (found := difference(old.get(name), new.get(name), f'{key}.{name}')):
                return found
        return ''
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return next((found for i in range(len(old)) if (found := difference(old[i], new[i], f'{key}[{i}]'))), '')
    return '' if old == new else f'{key.removeprefix(".")} was {old!r}, is {new!r}'


@contextmanager
def _lock(out: Path, world: World) -> Iterator[None]:
    """Only one training writes into a run. The lock goes with the process, also when that is killed."""
    if not world.leads:
        yield
        return
    out.mkdir(parents=True, exist_ok=True)
    with (out / '.lock').open('w') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f'{out}: another training is writing there') from None
        yield


def _silent(line: str) -> None:
    """What ranks that do not lead report."""

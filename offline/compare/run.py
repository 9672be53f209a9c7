"""One training of a suite, and all of them: each leaves result.json in its folder, and what is there is not done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import torch

from uda_seg_ros.config import from_mapping
from uda_seg_ros.labels import LABEL_SPACES

from ..datasets import open_dataset
from ..evaluate import score
from ..load_recipe import to_recipe
from ..methods import METHODS
from ..methods.base import FROZEN
from ..training.run_folder import RunFolder
from ..training.stages import train_recipe
from .suite import Suite, run_folder
from .table import Result

RESULT = 'result.json'


class CompareError(RuntimeError):
    """A training of the suite failed. The text says which, and where its output is."""


def train_one(suite: Suite, method: str, seed: int, out: Path, device: str | None, resume: bool,
              report: Callable[[str], None]) -> Result:
    """Train, score on every evaluation of the recipe, and write result.json whole."""
    folder = run_folder(out / 'runs', method, seed)
    recipe = to_recipe(suite.recipe_of(method, seed, out / 'runs'), f'{method}, seed {seed}')
    run = train_recipe(recipe, folder, resume=resume, device=device, report=report)
    bundle, miou, iou, teacher = run.bundle(), {}, {}, None
    for name, spec in recipe.data.evaluate.items():
        data = open_dataset(spec, LABEL_SPACES[recipe.data.labels])
        scores = score(bundle, data, device=device or 'auto')
        miou[name] = 100 * scores.miou
        report(f'{method}, seed {seed}: mIoU on {name}: {miou[name]:.1f} %')
        if name == suite.score:
            iou = {name: 100 * value for name, value in scores.iou.items()}
            if METHODS[run.stage().stage.method].ROLES.get('teacher') == FROZEN:
                teacher = 100 * score(run.bundle('teacher'), data, device=device or 'auto').miou
    parameters = sum(parameter.numel() for parameter in bundle.network().parameters())
    minutes, images_per_s = _effort(run)
    result = Result(method, seed, miou, iou, parameters, images_per_s, minutes, teacher)
    draft = folder / f'.{RESULT}'
    draft.write_text(json.dumps(asdict(result), indent=1))
    os.replace(draft, folder / RESULT)
    return result


def _effort(run: RunFolder) -> tuple[float, float]:
    """(minutes, images/s) over the stages that this run trained itself."""
    stages = [stage for stage in run.summary()['stages'].values() if stage.get('done')]
    minutes = sum(stage['minutes'] for stage in stages)
    images = sum(stage['minutes'] * 60 * stage['images_per_s'] for stage in stages)
    return minutes, images / max(minutes * 60, 1e-9)


def finished(suite: Suite, out: Path) -> list[Result]:
    """What lies in `out` so far, in the suite's order, of the suite's seeds and any others."""
    paths = [path for method in suite.methods for path in sorted((out / 'runs' / method).glob(f'seed_*/{RESULT}'))]
    return [from_mapping(Result, json.loads(path.read_text()), str(path)) for path in paths]


def train_all(suite: Suite, jobs: Sequence[tuple[str, int]], out: Path, workers: int, command: Sequence[str],
              report: Callable[[str], None]) -> None:
    """Train each (method, seed) in a process of its own, `workers` at a time, each after what it needs.

    command: what starts one training; '--only METHOD --seed SEED' is added. Raises CompareError for the first that failed,
    after those under way have ended.
    """
    waiting, running = list(jobs), {}
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    environment = {'OMP_NUM_THREADS': threads, **os.environ}
    failed = ''
    with ThreadPoolExecutor(workers) as pool:
        while waiting or running:
            for job in [job for job in waiting if not failed and _ready(suite, job, out)][:workers - len(running)]:
                waiting.remove(job)
                running[pool.submit(_train_apart, [*command, '--only', job[0], '--seed', str(job[1])], job, out,
                                    environment)] = job
            if not running:
                break
            failed = _collect(running, report, len(jobs) - len(waiting), len(jobs)) or failed
    if failed:
        raise CompareError(failed)


def _ready(suite: Suite, job: tuple[str, int], out: Path) -> bool:
    return all((run_folder(out / 'runs', other, job[1]) / RESULT).exists() for other in suite.needs(job[0]))


def _collect(running: dict[Future, tuple[str, int]], report: Callable[[str], None], begun: int, total: int) -> str:
    """Wait for one or more to end; the first failure in words, or ''."""
    failed = ''
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        method, seed = running.pop(future)
        error = future.result()
        report(f'{begun - len(running)}/{total}  {method}, seed {seed}: ' + (error or 'done'))
        failed = failed or (f'{method}, seed {seed}: {error}' if error else '')
    return failed


def _train_apart(command: Sequence[str], job: tuple[str, int], out: Path, environment: dict[str, str]) -> str:
    folder = run_folder(out / 'runs', *job)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / 'output.txt'
    with log.open('a') as file:
        code = subprocess.run([sys.executable, '-m', 'offline', *command], stdout=file, stderr=subprocess.STDOUT,
                              env=environment, check=False).returncode
    if code == 0:
        return ''
    last = log.read_text(errors='replace').strip().splitlines()[-1:] or ['no output']
    return f'failed with exit code {code}: {last[0]} (all output: {log})'


def default_workers(device: str | None) -> int:
    """One training at a time on a GPU; on a CPU one a core, which is faster than one after the other on all cores."""
    on_gpu = device not in (None, 'cpu', 'auto') or (device != 'cpu' and torch.cuda.is_available())
    return 1 if on_gpu else max(1, os.cpu_count() or 1)

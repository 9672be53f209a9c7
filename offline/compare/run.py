"""One training of a suite, and its result.json: what is there is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.config import from_mapping, to_mapping
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.storage.whole_file import write_text

from ..datasets import open_dataset
from ..evaluate import score
from ..load_recipe import to_recipe
from ..methods import METHODS
from ..methods.base import FROZEN
from ..recipe import Recipe
from ..training.run_folder import RECIPE, RunFolder
from ..training.stages import difference, train_recipe
from .suite import Suite, run_folder
from .table import Result

RESULT = 'result.json'


class CompareError(RuntimeError):
    """The trainings of a suite cannot go on, or failed. The text says which, and what to do."""


def planned(suite: Suite, method: str, seed: int, out: Path) -> Recipe:
    """The recipe of one training, checked. Raises ConfigError."""
    return to_recipe(suite.recipe_of(method, seed, out / 'runs'), f'{suite.title}: {method}')


def train_one(suite: Suite, method: str, seed: int, out: Path, device: str | None, resume: bool,
              report: Callable[[str], None]) -> Result:
    """Train, score on every evaluation of the recipe, and write result.json whole."""
    recipe = planned(suite, method, seed, out)
    run = train_recipe(recipe, run_folder(out / 'runs', method, seed), resume=resume, device=device, report=report)
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
    result = Result(method, seed, miou, iou, _parameters(bundle), *_effort(run), teacher)
    write_text(run.path / RESULT, json.dumps(asdict(result), indent=1))
    return result


def _parameters(bundle: Bundle) -> int:
    return sum(parameter.numel() for parameter in bundle.network().parameters())


def _effort(run: RunFolder) -> tuple[float, float]:
    """(images/s, minutes) over all stages."""
    stages = [stage for stage in run.summary()['stages'].values() if stage.get('done')]
    minutes = sum(stage['minutes'] for stage in stages)
    images = sum(stage['minutes'] * 60 * stage['images_per_s'] for stage in stages)
    return images / max(minutes * 60, 1e-9), minutes


def finished(suite: Suite, out: Path) -> list[Result]:
    """What lies in `out` so far, in the suite's order, of the suite's seeds and any others.

    Raises CompareError for a result of another recipe than the suite has now, which would stand in the table unnoticed.
    """
    paths = [path for method in suite.methods for path in sorted((out / 'runs' / method).glob(f'seed_*/{RESULT}'))]
    results = [from_mapping(Result, json.loads(path.read_text(encoding='utf-8')), str(path)) for path in paths]
    for path, result in zip(paths, results):
        now, then = planned(suite, result.method, result.seed, out), RunFolder(path.parent).recipe()
        if changed := difference(_moved(to_mapping(then)), _moved(to_mapping(now))):
            raise CompareError(f'{path.parent}: was trained with another recipe: {changed}; remove the folder to train it '
                               'anew, or choose another --out')
    return results


def begun(out: Path, method: str, seed: int) -> bool:
    """Whether a training was started and has no result yet."""
    folder = run_folder(out / 'runs', method, seed)
    return (folder / RECIPE).exists() and not (folder / RESULT).exists()


def _moved(value: Any) -> Any:
    """A recipe without the place of the comparison, which may have been moved since."""
    if isinstance(value, Mapping):
        return {key: _moved(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_moved(item) for item in value]
    return f'run:{value.rpartition("/runs/")[2]}' if isinstance(value, str) and value.startswith('run:') else value

"""A run on the disk: its recipe, run.json, and a folder a stage with what was trained.

    RUN/recipe.yaml  run.json
    RUN/<NN>_<stage>/checkpoint.pt  networks/<part>.safetensors  pseudo_labels/NNNNNN.png  tensorboard/  log.jsonl
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from uda_seg_ros.bundle import Bundle, ModelSpec
from uda_seg_ros.config import nearest
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.storage.whole_file import sync, write_text, write_whole

from ..load_recipe import load_recipe
from ..recipe import NetworkSpec, Recipe, Stage

RECIPE, RUN = 'recipe.yaml', 'run.json'


class RunError(ValueError):
    """A run folder does not hold what is asked for. The text says which, what, and what to do."""


@dataclass(frozen=True)
class StageFolder:
    """The folder of one stage. number: its place in the recipe, from 0."""

    path: Path
    number: int
    stage: Stage

    @property
    def networks(self) -> Path:
        """Folder of the trained parts; there when, and only when, the stage is finished."""
        return self.path / 'networks'

    @property
    def checkpoint(self) -> Path:
        return self.path / 'checkpoint.pt'

    @property
    def pseudo_labels(self) -> Path:
        return self.path / 'pseudo_labels'

    @property
    def done(self) -> bool:
        return self.networks.is_dir()

    def save_parts(self, parts: Mapping[str, torch.nn.Module]) -> None:
        """Write the parts, all or none; with that the stage is finished. Raises OSError."""
        draft = self.path / '.networks.draft'
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, module in parts.items():
            tensors = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in module.state_dict().items()}
            content = save(tensors)  # save_file would tell a full disk by an error of its own, and hide the file from others
            write_whole(draft / f'{name}.safetensors', lambda path, content=content: path.write_bytes(content))
        sync(draft)
        draft.rename(self.networks)
        sync(self.path)

    def part(self, name: str) -> dict[str, torch.Tensor]:
        """Tensors of a trained part. Raises RunError."""
        if not self.done:
            raise RunError(f'{self.path}: the stage is not finished; go on with python -m offline train ... --resume')
        known = sorted(path.stem for path in self.networks.glob('*.safetensors'))
        if name not in known:
            raise RunError(f'{self.networks}: there is no part {name!r}{nearest(name, known)}; there are: '
                           f'{", ".join(known)}')
        path = self.networks / f'{name}.safetensors'
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise RunError(f'{path}: cannot be read: {error}') from error


class RunFolder:
    """Reads a run. path: what --out named. Raises RunError where there is none."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._recipe: Recipe | None = None
        if not (self.path / RECIPE).is_file():
            raise RunError(f'{self.path}: not a run: there is no {RECIPE} in it; runs are made by python -m offline train')

    def recipe(self) -> Recipe:
        """As it was trained: --set and --steps applied, every default spelt out."""
        self._recipe = self._recipe or load_recipe(self.path / RECIPE)
        return self._recipe

    def summary(self) -> dict[str, Any]:
        """run.json: recipe, versions, seed, code, world_size; stages by name: steps, minutes, images_per_s, done."""
        try:
            return json.loads((self.path / RUN).read_text(encoding='utf-8'))
        except (OSError, ValueError) as error:
            raise RunError(f'{self.path / RUN}: cannot be read: {error}') from error

    def update_summary(self, **values: Any) -> None:
        """Change keys of run.json."""
        before = self.summary() if (self.path / RUN).exists() else {}
        write_text(self.path / RUN, json.dumps({**before, **values}, indent=1) + '\n')

    def stages(self) -> list[StageFolder]:
        """Of the recipe, in order, whether finished or not."""
        return [StageFolder(self.path / f'{number:02}_{stage.name}', number, stage)
                for number, stage in enumerate(self.recipe().stages)]

    def stage(self, which: int | str = -1) -> StageFolder:
        """By name, by number, or -1: the last finished one. Raises RunError."""
        stages = self.stages()
        if which == -1:
            finished = [stage for stage in stages if stage.done]
            if not finished:
                raise RunError(f'{self.path}: no stage is finished; go on with python -m offline train ... --resume')
            return finished[-1]
        found = [stage for stage in stages if which in (stage.number, stage.stage.name)]
        if not found:
            names = [stage.stage.name for stage in stages]
            raise RunError(f'{self.path}: there is no stage {which!r}{nearest(str(which), names)}; there are: '
                           f'{", ".join(names)}')
        return found[0]

    def part(self, name: str, stage: int | str = -1) -> dict[str, torch.Tensor]:
        """Tensors of a trained part, by name, on the CPU. Raises RunError."""
        return self.stage(stage).part(name)

    def network_spec(self, role: str, stage: int | str = -1) -> NetworkSpec:
        """The network that a stage trained as `role`. Raises RunError."""
        recipe = self.recipe()
        specs = {**recipe.networks, **self.stage(stage).stage.networks}
        if role not in specs:
            raise RunError(f'{self.path}: the recipe has no network {role!r}{nearest(role, specs)}; it has: '
                           f'{", ".join(specs)}')
        return specs[role]

    def bundle(self, role: str = 'student', stage: int | str = -1) -> Bundle:
        """A trained network as the vehicle takes it. Raises RunError."""
        recipe, summary, folder = self.recipe(), self.summary(), self.stage(stage)
        spec = self.network_spec(role, folder.number)
        provenance = {'run': self.path.name, 'stage': folder.stage.name, 'method': folder.stage.method, 'seed': recipe.seed,
                      'code': summary.get('code', 'unknown'), 'versions': summary.get('versions', {})}
        bundle = Bundle(ModelSpec(spec.name, spec.settings), LABEL_SPACES[recipe.data.labels], recipe.preprocess,
                        folder.part(role), provenance=provenance)
        bundle.check(folder.networks)
        return bundle

"""YAML to Recipe, strictly: every key, network, data set and method setting is checked before anything is built or read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from uda_seg_ros.config import ConfigError, from_mapping, nearest, to_mapping
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.models import build

from .data_spec import parse
from .datasets import configured
from .extended import read_extended
from .methods import METHODS
from .overrides import assigned
from .recipe import Data, DataSpec, NetworkSpec, Recipe, Stage
from .roles import check_roles, check_shared

NAME = re.compile(r'[\w-]+')


def load_recipe(path: Path, assignments: Iterable[str] = ()) -> Recipe:
    """Read a recipe, with all that it extends (`base: other.yaml`, beside it), and apply --set. Raises ConfigError."""
    return to_recipe(assigned(read_extended(path, 'recipe'), assignments), str(path))


def to_recipe(content: Mapping[str, Any], where: str) -> Recipe:
    """Check a recipe in its written form and complete it. where: how errors begin. Raises ConfigError."""
    if isinstance(content, Mapping) and isinstance(content.get('data'), Mapping):
        content = {**content, 'data': _with_lists(content['data'])}
    recipe = from_mapping(Recipe, content, where)
    data = _data(recipe.data, f'{where}: data')
    networks = _networks(recipe.networks, data, f'{where}: networks')
    if not recipe.stages:
        raise ConfigError(f'{where}: stages: at least one is needed')
    stages: list[Stage] = []
    for number, stage in enumerate(recipe.stages):
        stages.append(_stage(stage, stages, networks, data, f'{where}: stages[{number}] ({stage.name})'))
    check_shared(stages, networks, where)
    return dataclasses.replace(recipe, data=data, networks=networks, stages=tuple(stages))


def as_yaml(recipe: Recipe) -> str:
    """The recipe with every default spelt out, in a form that `load_recipe` reads."""
    return yaml.safe_dump(to_mapping(recipe), sort_keys=False, width=120, allow_unicode=True)


def _with_lists(data: Mapping[str, Any]) -> dict[str, Any]:
    """One data set may stand where a list of them may."""
    return {key: [value] if key in ('source', 'target') and isinstance(value, (str, Mapping, DataSpec)) else value
            for key, value in data.items()}


def _data(data: Data, where: str) -> Data:
    if data.labels not in LABEL_SPACES:
        raise ConfigError(f'{where}: labels: unknown label space {data.labels!r}{nearest(data.labels, LABEL_SPACES)}; '
                          f'known: {", ".join(LABEL_SPACES)}')

    def spec(value: Any, key: str) -> DataSpec:
        parsed = parse(value, f'{where}: {key}')
        configured(parsed, where=f'{where}: {key}')
        return parsed
    return Data(data.labels, *(tuple(spec(value, f'{side}[{i}]') for i, value in enumerate(getattr(data, side)))
                               for side in ('source', 'target')),
                {name: spec(value, f'evaluate: {name}') for name, value in data.evaluate.items()})


def _networks(networks: Mapping[str, Any], data: Data, where: str) -> dict[str, NetworkSpec]:
    """By role; a network without settings may be its name alone. Each is built once without memory, to check it."""
    specs = {}
    for role, value in networks.items():
        value = {'name': value} if isinstance(value, str) else value
        spec = value if isinstance(value, NetworkSpec) else from_mapping(NetworkSpec, value, f'{where}: {role}')
        try:
            with torch.device('meta'):
                build(spec.name, LABEL_SPACES[data.labels].num_classes, **spec.settings)
        except (ValueError, TypeError) as error:
            raise ConfigError(f'{where}: {role}: {error}') from error
        specs[role] = spec
    return specs


def _stage(stage: Stage, earlier: list[Stage], networks: Mapping[str, NetworkSpec], data: Data, where: str) -> Stage:
    if not NAME.fullmatch(stage.name) or stage.name == 'previous' or stage.name in [other.name for other in earlier]:
        raise ConfigError(f'{where}: name: letters, digits, - and _ make a name; it must be the only one, and not previous')
    if stage.method not in METHODS:
        raise ConfigError(f'{where}: method: unknown method {stage.method!r}{nearest(stage.method, METHODS)}; '
                          f'known: {", ".join(METHODS)}')
    method = METHODS[stage.method]
    config = from_mapping(method.Config, stage.config, f'{where}: config')
    if (method.NEEDS_TARGET or stage.statistics == 'target') and not data.target:
        who = f'method {stage.method!r} learns from' if method.NEEDS_TARGET else 'statistics: target is estimated on'
        raise ConfigError(f'{where}: {who} target pictures, and data.target is empty; give it, as in '
                          '--set data.target=folder:/path')
    init = {part: _origin(origin, earlier, f'{where}: init: {part}') for part, origin in stage.init.items()}
    own = _networks(stage.networks, data, f'{where}: networks')
    complete = dataclasses.replace(stage, config=to_mapping(config), networks=own, init=init)
    check_roles(complete, networks, where)
    return complete


def _origin(origin: Any, earlier: list[Stage], where: str) -> str:
    """'previous.PART' becomes 'STAGE.PART'."""
    stage, dot, part = str(origin).partition('.')
    names = [other.name for other in earlier]
    if not dot or not part:
        raise ConfigError(f"{where}: expected 'previous.PART' or 'STAGE.PART', got {origin!r}")
    if stage == 'previous' and earlier:
        stage = names[-1]
    if stage not in names:
        raise ConfigError(f'{where}: no earlier stage is called {stage!r}{nearest(stage, names)}; '
                          f'earlier: {", ".join(names) or "none"}')
    return f'{stage}.{part}'

"""A suite: one recipe that all methods share, and what each of them changes in it, read strictly from YAML.

A suite may extend another file (`base: other.yaml`, beside it), as a recipe may. Three texts stand for something else:
`method:NAME` or `method:NAME.PART`, as a network's weights, for the result of another method with the same seed;
`recipe:KEY.KEY` for that value of the shared recipe; `$UDA_SEG_DATA`, at the front of a path, for the user's folder of data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uda_seg_ros.config import ConfigError, from_mapping, nearest

from ..extended import read_extended
from ..methods import METHODS
from ..overrides import merged
from ..roles import networks_of

SUITES = Path(__file__).parent.parent / 'suites'
RESULT_OF = re.compile(r'method:(?P<method>[\w-]+)(?:\.(?P<part>\w+))?')
SHARED = re.compile(r'recipe:(?P<key>[\w.-]+)')
DATA = 'UDA_SEG_DATA'


@dataclass(frozen=True)
class Suite:
    """title: what the table is called. recipe: what all methods share, in the form of a recipe.

    methods: by the name in the table, what is laid over the recipe; mappings merge, all else replaces.
    seeds: one training each. score: the name of the recipe's evaluation that fills target_miou. floor, ceiling: the
    methods between which gap_closed is counted. aside: methods that others start from or learn from, shown in grey.
    steps: factor on the steps of every stage. smoke: what --smoke lays over the suite.
    """

    title: str
    recipe: Mapping[str, Any]
    methods: Mapping[str, Any]
    seeds: tuple[int, ...]
    score: str
    floor: str = 'source_only'
    ceiling: str = 'supervised'
    aside: tuple[str, ...] = ()
    steps: float = 1.0
    smoke: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.seeds or not self.methods or self.steps <= 0:
            raise ConfigError('at least one seed and one method are needed, and steps above 0')
        for key, name in (('floor', self.floor), ('ceiling', self.ceiling), *(('aside', name) for name in self.aside)):
            if name not in self.methods:
                raise ConfigError(f'{key}: no method {name!r}{nearest(name, self.methods)}')
        for name in self.methods:
            for other in self.needs(name):
                if other not in self.methods:
                    raise ConfigError(f'methods: {name}: no method {other!r}{nearest(other, self.methods)}')
        self.in_order(self.methods)

    def needs(self, method: str) -> tuple[str, ...]:
        """The methods whose networks this one starts from."""
        found = [match['method'] for text in _texts(self._written(method)) if (match := RESULT_OF.fullmatch(text))]
        return tuple(dict.fromkeys(found))

    def in_order(self, wanted: Mapping[str, Any] | tuple[str, ...]) -> list[str]:
        """The wanted methods and all they need, each after what it needs. Raises ConfigError for a circle."""
        order: list[str] = []

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise ConfigError(f'methods: {" needs ".join((*above, name))}: a circle')
            for other in self.needs(name):
                visit(other, (*above, name))
            if name not in order:
                order.append(name)
        for name in wanted:
            visit(name, ())
        return order

    def recipe_of(self, method: str, seed: int, runs: Path) -> dict[str, Any]:
        """The complete recipe as a mapping. runs: folder where the results of other methods lie (see run_folder)."""
        def run(text: str) -> Any:
            match = RESULT_OF.fullmatch(text)
            if not match:
                return text
            return f'run:{run_folder(runs, match["method"], seed)}' + (f'#{match["part"]}' if match['part'] else '')
        recipe = _replaced(self._written(method), run)
        stages = [{**stage, 'steps': max(1, round(stage['steps'] * self.steps))} for stage in recipe['stages']]
        return {**recipe, 'stages': stages, 'seed': seed}

    def _written(self, method: str) -> dict[str, Any]:
        """The recipe of a method with the networks that its stages take from there, and no others."""
        def value(text: str) -> Any:
            match = SHARED.fullmatch(text)
            return self._shared(match['key'], method) if match else text
        recipe = _replaced(merged(self.recipe, self.methods[method] or {}), value)
        if 'networks' in recipe:
            taken = {role for stage in recipe.get('stages', []) for role in _roles(stage, recipe['networks'])}
            recipe['networks'] = {role: spec for role, spec in recipe['networks'].items() if role in taken}
        return recipe

    def _shared(self, key: str, method: str) -> Any:
        value: Any = self.recipe
        for name in key.split('.'):
            if not isinstance(value, Mapping) or name not in value:
                near = nearest(name, value) if isinstance(value, Mapping) else ''
                raise ConfigError(f'methods: {method}: recipe:{key}: the recipe has no {name!r} there{near}')
            value = value[name]
        return value


def run_folder(runs: Path, method: str, seed: int) -> Path:
    """Where one training of a suite is kept."""
    return runs / method / f'seed_{seed}'


def load_suite(path: Path, smoke: bool = False, data: Path | None = None) -> Suite:
    """Read a suite. data: what $UDA_SEG_DATA stands for, by default the environment's.

    Raises ConfigError, which names the file, where it cannot be read or holds what a suite does not.
    """
    if not path.is_file():
        known = [file.stem for file in sorted(SUITES.glob('*.yaml'))]
        raise ConfigError(f'{path}: no such file{nearest(path.stem, known)}; suites that come with the project, in '
                          f'{SUITES}: {", ".join(known)}')
    content = read_extended(path, 'suite')
    if smoke and isinstance(content.get('smoke'), Mapping):
        content = merged(content, content['smoke'])
    folder = str(data.expanduser().absolute()) if data else os.environ.get(DATA, '')

    def found(text: str) -> str:
        if f'${DATA}' in text and not folder:
            raise ConfigError(f'{path}: {text}: this suite needs data that do not come with the project; say in which '
                              f'folder they are by --data FOLDER, or by the environment variable {DATA}')
        return text.replace(f'${DATA}', folder)
    return from_mapping(Suite, _replaced(content, found), str(path))


def _roles(stage: Mapping[str, Any], networks: Mapping[str, Any]) -> set[str]:
    """The roles whose networks a stage takes from the recipe."""
    method, own = METHODS.get(stage.get('method', '')), stage.get('networks') or {}
    if method is None:  # found when the recipe is read
        return set(networks)
    return set(networks_of(method, networks, own, stage.get('init') or {})) - set(own)


def _replaced(value: Any, change: Callable[[str], Any]) -> Any:
    """A copy, with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _replaced(item, change) for key, item in value.items()}
    return [_replaced(item, change) for item in value] if isinstance(value, (list, tuple)) else value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)

"""A suite: one recipe that all methods share, and what each of them changes in it, read strictly from YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from uda_seg_ros.config import ConfigError, from_mapping, nearest

SUITES = Path(__file__).parent.parent / 'suites'
REFERENCE = re.compile(r'method:(?P<method>[\w-]+)(?:\.(?P<part>\w+))?')


@dataclass(frozen=True)
class Suite:
    """title: what the table is called. recipe: what all methods share, in the form of a recipe.

    methods: by the name in the table, what is laid over the recipe; mappings merge, all else replaces. A network's
    `weights: method:NAME` (or method:NAME.PART) is the result of another method of the suite with the same seed.
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
        texts = [match['method'] for text in _texts(merged(self.recipe, self.methods[method] or {}))
                 if (match := REFERENCE.fullmatch(text))]
        return tuple(dict.fromkeys(texts))

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
        def resolve(value: Any) -> Any:
            if isinstance(value, str) and (match := REFERENCE.fullmatch(value)):
                part = f'#{match["part"]}' if match['part'] else ''
                return f'run:{run_folder(runs, match["method"], seed)}{part}'
            if isinstance(value, Mapping):
                return {key: resolve(item) for key, item in value.items()}
            return [resolve(item) for item in value] if isinstance(value, list) else value
        recipe = resolve(merged(self.recipe, self.methods[method] or {}))
        stages = [{**stage, 'steps': max(1, round(stage['steps'] * self.steps))} for stage in recipe['stages']]
        return {**recipe, 'stages': stages, 'seed': seed}


def run_folder(runs: Path, method: str, seed: int) -> Path:
    """Where one training of a suite is kept."""
    return runs / method / f'seed_{seed}'


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`: mappings merge key by key, everything else (lists too) replaces."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def load_suite(path: Path, smoke: bool = False) -> Suite:
    """Raises ConfigError, which names the file, where it cannot be read or holds what a suite does not."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        known = ', '.join(sorted(file.stem for file in SUITES.glob('*.yaml')))
        raise ConfigError(f'{path}: cannot be read: {error}; suites that come with the project: {known}') from error
    if smoke and isinstance(content, Mapping):
        content = merged(content, content.get('smoke') or {})
    return from_mapping(Suite, content, str(path))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)

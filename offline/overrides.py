"""What is laid over a recipe before it is read: the recipe it extends (`base`) and the command line's --set."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from uda_seg_ros.config import ConfigError, nearest

from . import strict_yaml


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`: mappings merge key by key, all else replaces; lists too, so stages come as a whole."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def assigned(content: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """`content` with every 'a.b.c=value' of --set applied in turn.

    The value is read as YAML. A part of the key that leads into a list is a number or the `name` of an item
    ('stages.adapt.steps=100'). Raises ConfigError for what leads nowhere; unknown keys are found when the recipe is read.
    """
    result = copy.deepcopy(dict(content))
    for assignment in assignments:
        key, equals, text = assignment.partition('=')
        if not equals or not all(key.split('.')):
            raise ConfigError(f"--set {assignment}: expected key=value, as in 'loader.batch=4' or 'stages.adapt.steps=100'")
        _assign(result, key.split('.'), strict_yaml.load(text, f'--set {assignment}'), f'--set {assignment}')
    return result


def _assign(place: Any, keys: list[str], value: Any, where: str) -> None:
    for depth, key in enumerate(keys):
        path = '.'.join(keys[:depth]) or 'the recipe'
        if isinstance(place, list):
            key = _index(place, key, f'{where}: {path}')
        elif not isinstance(place, dict):
            raise ConfigError(f'{where}: {path} is {place!r}: it has no key {key!r}')
        if depth == len(keys) - 1:
            place[key] = value
        elif isinstance(place, dict):
            place[key] = {} if place.get(key) is None else place[key]
        if depth < len(keys) - 1:
            place = place[key]


def _index(items: list, key: str, where: str) -> int:
    names = [item.get('name') if isinstance(item, dict) else None for item in items]
    if key in names:
        return names.index(key)
    if key.isdecimal() and int(key) < len(items):
        return int(key)
    named = [name for name in names if isinstance(name, str)]
    raise ConfigError(f'{where}: nothing is called {key!r}{nearest(key, named)}; there are {", ".join(named) or "no names"} '
                      f'and the numbers 0 to {len(items) - 1}')

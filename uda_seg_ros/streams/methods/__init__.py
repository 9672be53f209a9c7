"""The methods, one a file; the table is explicit."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import yaml

from ...config import ConfigError, from_mapping, nearest, to_mapping
from ..errors import StreamError
from .base import Answer, Learner, Method, Setting

__all__ = ['METHODS', 'Answer', 'Choice', 'Entry', 'Learner', 'Method', 'Setting', 'choose']


@dataclass(frozen=True)
class Entry:
    """A row of the table. module: of this folder, imported when asked for. settings: that differ from its Config's defaults.

    chance: whether it draws numbers, so that seeds matter. elsewhere: whether it gets labelled frames of other drives.
    oracle: whether labels choose between it and the frozen network afterwards. replay: whether it needs the bundle's.
    """

    module: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    chance: bool = False
    elsewhere: bool = False
    oracle: bool = False
    replay: bool = False

    def load(self) -> type:
        return getattr(importlib.import_module(f'.{self.module}', __package__), self.name)


SWITCH = 'on'  # the name of a part's own switch
METHODS: dict[str, Entry] = {
    'frozen': Entry('frozen', 'Frozen'),
    'batchnorm_0.5': Entry('batchnorm', 'BatchNormMix', {'share': 0.5}),
    'batchnorm_1.0': Entry('batchnorm', 'BatchNormMix', {'share': 1.0}),
    'tent_1e-5': Entry('tent', 'Tent', {'lr': 1e-5}),
    'tent_1e-4': Entry('tent', 'Tent', {'lr': 1e-4}),
    'tent_1e-3': Entry('tent', 'Tent', {'lr': 1e-3}),
    'ema': Entry('ema', 'EmaPseudoLabels'),
    'cotta': Entry('cotta', 'CoTTA', chance=True),
    'class_reset': Entry('class_reset', 'ClassReset'),
    'rdumb_100': Entry('rdumb', 'RDumb', {'every': 100}),
    'rdumb_500': Entry('rdumb', 'RDumb', {'every': 500}),
    'hamlet': Entry('hamlet', 'Hamlet', chance=True, replay=True),
    'oracle': Entry('oracle', 'Oracle', chance=True, oracle=True, replay=True),
    'supervised': Entry('supervised', 'Supervised', chance=True, elsewhere=True),
    'ours': Entry('ours', 'Ours', chance=True, replay=True),
}


@dataclass(frozen=True)
class Choice:
    """A method as it was asked for: 'tent_1e-4', 'ours-no_gate', 'ours-training.lr=1e-4-no_floor'."""

    name: str
    entry: Entry
    config: Any

    def make(self, setting: Setting) -> Method:
        return self.entry.load()(setting, self.config)


def choose(text: str) -> Choice:
    """Read one method of the command line: NAME, then -KEY=VALUE or -no_KEY for its settings. Raises StreamError."""
    name, *changes = re.split(r'-(?=[A-Za-z_])', text)
    if name not in METHODS:
        raise StreamError(f'unknown method {name!r}{nearest(name, METHODS)}; known: {", ".join(METHODS)}')
    entry = METHODS[name]
    config = entry.load().Config
    try:
        values = to_mapping(from_mapping(config, entry.settings, name))
        for change in changes:
            _change(values, change, config(), f'method {text}')
        return Choice(text, entry, from_mapping(config, values, f'method {text}'))
    except ConfigError as error:
        raise StreamError(str(error)) from error


def _change(values: dict[str, Any], change: str, default: Any, where: str) -> None:
    key, equals, text = change.partition('=')
    key = key if equals else key.removeprefix('no_')
    path = find_key(values, key, where)
    place = values
    for part in path[:-1]:
        place, default = place[part], getattr(default, part)
    if equals:
        place[path[-1]] = yaml.safe_load(text) if not _number(text) else float(text)
    else:
        _switch_off(place, path[-1], getattr(default, path[-1]), where)


def _number(text: str) -> bool:
    """What YAML 1.1 takes for a text: 1e-4 has no dot."""
    return re.fullmatch(r'[-+]?[\d.]+e[-+]?\d+', text, re.IGNORECASE) is not None


def _switch_off(place: dict[str, Any], key: str, default: Any, where: str) -> None:
    """False for a switch or for a part's own, 0 for a weight."""
    if is_dataclass(default) and SWITCH in place[key]:
        place[key][SWITCH] = False
    elif isinstance(default, (bool, int, float)):
        place[key] = type(default)(0)
    else:
        raise ConfigError(f'{where}: no_{key}: {key!r} is neither a switch nor a number, and has no switch {SWITCH!r}')


def find_key(values: Mapping[str, Any], key: str, where: str) -> list[str]:
    """The path to a setting by its dotted name, or by its last name if only one has it. Raises ConfigError."""
    known = dict(_paths(values))
    if key in known:
        return known[key]
    last = [path for path in known.values() if path[-1] == key]
    if len(last) == 1:
        return last[0]
    problem = f'{key!r} is one of {", ".join(map(".".join, last))}' if last else f'unknown key {key!r}{nearest(key, known)}'
    raise ConfigError(f'{where}: {problem}; known: {", ".join(known)}')


def _paths(values: Mapping[str, Any], before: tuple[str, ...] = ()):
    for key, value in values.items():
        path = (*before, key)
        yield '.'.join(path), list(path)
        if isinstance(value, Mapping):
            yield from _paths(value, path)

"""Mappings (from YAML) to frozen dataclasses and back, strictly: a key that nobody reads is an error that names it."""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

POWER_OF_TEN = re.compile(r'[-+]?\d+(\.\d*)?[eE][-+]?\d+')  # 5e-4 is a text for YAML 1.1, 5.0e-4 a number
T = TypeVar('T')


class ConfigError(ValueError):
    """A setting is unknown, missing or of the wrong type. The text says which, where, and what is possible."""


def nearest(word: str, known: Iterable[str]) -> str:
    """' (did you mean X?)' for the known word nearest to `word`, or '' if none is near."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' (did you mean {matches[0]!r}?)' if matches else ''


def from_mapping(cls: type[T], mapping: Mapping[str, Any], where: str) -> T:
    """Make the dataclass `cls` from a mapping.

    where: what the user knows the mapping by ('bundle.yaml: preprocess'), the beginning of every error.
    Raises ConfigError for a key that `cls` does not have, a missing key without default, a value of a wrong type.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigError(f'{where}: expected a mapping, got {type(mapping).__name__}')
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in mapping:
        if key not in fields:
            raise ConfigError(f'{where}: unknown key {key!r}{nearest(str(key), fields)}; known: {", ".join(fields)}')
    hints = typing.get_type_hints(cls)
    values = {key: _convert(hints[key], value, f'{where}: {key}') for key, value in mapping.items()}
    missing = [name for name, field in fields.items() if name not in values and field.init
               and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING]
    if missing:
        raise ConfigError(f'{where}: missing key {missing[0]!r}')
    try:
        return cls(**values)
    except ValueError as error:
        raise ConfigError(f'{where}: {error}') from error


def to_mapping(value: Any) -> Any:
    """The inverse: dataclasses to dicts, tuples to lists, so that YAML shows them plainly."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_mapping(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_mapping(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_mapping(item) for key, item in value.items()}
    return value


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _convert(next(arg for arg in args if arg is not type(None)), value, where)
    if origin is typing.Literal:
        if value not in args:
            known = ', '.join(map(str, args))
            raise ConfigError(f'{where}: {value!r} is not possible{nearest(str(value), map(str, args))}; possible: {known}')
        return value
    if origin is tuple:
        return _convert_tuple(args, value, where)
    if dataclasses.is_dataclass(hint):
        return from_mapping(hint, value, where)
    if origin is not None and issubclass(origin, Mapping):
        hint = origin
    return _convert_plain(hint, value, where)


def _convert_tuple(args: tuple, value: Any, where: str) -> tuple:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f'{where}: expected a list, got {value!r}')
    if args[-1] is Ellipsis:
        args = (args[0],) * len(value)
    if len(args) != len(value):
        raise ConfigError(f'{where}: expected {len(args)} values, got {len(value)}')
    return tuple(_convert(arg, item, f'{where}[{i}]') for i, (arg, item) in enumerate(zip(args, value)))


def _convert_plain(hint: type, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str) and POWER_OF_TEN.fullmatch(value):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint in (int, float)):
        raise ConfigError(f'{where}: expected {hint.__name__}, got {value!r}')
    return value

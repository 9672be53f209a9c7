"""Data sets as a recipe writes them: 'kind:path?option=value&option=value', or the same as a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from uda_seg_ros.config import ConfigError, from_mapping

from .recipe import DataSpec

FORM = 'kind:path?option=value&option=value'


def parse(value: DataSpec | str | Mapping[str, Any], where: str = 'data') -> DataSpec:
    """Read one data set. where: how errors begin.

    In the text form the options begin at the first '?', and what stands before is kind:path, or the kind alone where it
    needs no path; a value is read as YAML is, so that 'frames=8' is a number and 'seeds=[0,1]' a list. Raises ConfigError;
    whether kind and options exist is for `datasets.open_dataset` to say.
    """
    if isinstance(value, DataSpec):
        return value
    if isinstance(value, Mapping):
        return from_mapping(DataSpec, value, where)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f'{where}: expected {FORM!r} or a mapping with kind, path and options, got {value!r}')
    place, question, options = value.strip().partition('?')
    kind, _, path = place.partition(':')
    return DataSpec(kind, path, _options(options, f'{where}: {value}') if question else {})


def _options(text: str, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split('&'):
        name, equals, content = part.partition('=')
        if not name or not equals:
            raise ConfigError(f'{where}: {part!r} is not option=value; expected {FORM}')
        if name in found:
            raise ConfigError(f'{where}: option {name!r} stands twice')
        try:
            found[name] = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise ConfigError(f'{where}: {content!r} cannot be read as the value of {name!r}') from error
    return found

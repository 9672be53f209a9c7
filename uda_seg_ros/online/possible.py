"""What values a setting may have."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..config import ConfigError


class Possible(NamedTuple):
    """text: as the user reads it. holds: of one number; never of NaN."""

    text: str
    holds: Callable[[float], bool]


NUMBER = Possible('a number', lambda value: not math.isnan(value))
ABOVE_0 = Possible('above 0', lambda value: value > 0)
PART = Possible('above 0 and at most 1', lambda value: 0 < value <= 1)


def at_least(least: float) -> Possible:
    return Possible(f'at least {least}', lambda value: value >= least)


def within(least: float, most: float) -> Possible:
    return Possible(f'at least {least} and at most {most}', lambda value: least <= value <= most)


def below(limit: float) -> Possible:
    """And not negative."""
    return Possible(f'at least 0 and below {limit}', lambda value: 0 <= value < limit)


def check(settings: Any, **possible: Possible) -> None:
    """Settings that are not named may be any number. Of a list each item must be possible, and there must be one.

    Raises ConfigError that names the setting, its value and what is possible.
    """
    for field in dataclasses.fields(settings):
        value, wanted = getattr(settings, field.name), possible.get(field.name, NUMBER)
        listed = isinstance(value, tuple)
        items = value if listed else (value,)
        require(bool(items) and all(map(wanted.holds, items)), field.name, value,
                f'a list, each {wanted.text}' if listed else wanted.text)


def require(met: bool, name: str, value: Any, possible: str) -> None:
    """Raises ConfigError unless met."""
    if not met:
        value = list(value) if isinstance(value, tuple) else value
        raise ConfigError(f'{name}: {value} is not possible; possible: {possible}')

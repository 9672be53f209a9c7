"""Labelled data by the name its score gets, from the command line: NAME=SPEC, or SPEC alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from uda_seg_ros.config import ConfigError

from ..data_spec import parse
from ..datasets import Dataset, configured


def named(texts: Sequence[str], where: str = '--data') -> dict[str, str]:
    """Specs by name; without one the spec is its own name. Raises ConfigError for a name that stands twice."""
    found: dict[str, str] = {}
    for text in texts:
        front, equals, rest = text.partition('=')
        name, spec = (front, rest) if equals and ':' not in front and '?' not in front else (text, text)
        if name in found:
            raise ConfigError(f'{where}: {name!r} stands twice; name them apart: NAME=SPEC')
        found[name] = spec
    return found


def open_own(spec: str, split: str = 'val', where: str = '--data') -> Dataset:
    """The data set with labels in its own label space. Raises ConfigError, or DatasetError if files or labels lack."""
    parsed = parse(spec, where)
    cls, config = configured(parsed, split, where)
    dataset = cls(Path(parsed.path).expanduser(), config)
    dataset.check_labels()
    return dataset

"""A YAML file with all that it extends (`base: other.yaml`, beside it): recipes and suites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uda_seg_ros.config import ConfigError

from . import strict_yaml
from .overrides import merged


def read_extended(path: Path, kind: str, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The mapping in `path`, laid over that of its base. kind: what it is, for errors: 'recipe' or 'suite'.

    below: the files that extend this one. Raises ConfigError, which names the file.
    """
    if path.resolve() in below:
        raise ConfigError(f'{path}: base: a {kind} cannot extend itself')
    content = strict_yaml.read(path)
    if not isinstance(content, dict):
        raise ConfigError(f'{path}: expected a mapping, got {type(content).__name__}')
    base = content.pop('base', None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise ConfigError(f'{path}: base: expected the file name of a {kind}, got {base!r}')
    return merged(read_extended(path.parent / base, kind, (*below, path.resolve())), content)

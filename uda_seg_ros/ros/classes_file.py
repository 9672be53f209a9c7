"""The parameter `classes_file`: other names and colours for the classes of a bundle, in the form that Nav2 users know."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from ..config import ConfigError, from_mapping
from ..labels import LabelSpace


@dataclass(frozen=True)
class ClassEntry:
    """id: train id in the mask. color: three values of 0..255, None to keep the bundle's."""

    id: int
    name: str
    color: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class ClassesFile:
    """The file: `classes: [{id, name, color}]`, and the order of the colours' values."""

    classes: tuple[ClassEntry, ...]
    color_order: Literal['rgb', 'bgr'] = 'rgb'


def rename_classes(labels: LabelSpace, path: str) -> LabelSpace:
    """The label space with the names and colours of the file; classes not in it stay as they are. Raises ConfigError."""
    try:
        content = yaml.safe_load(Path(path).expanduser().read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'classes_file {path}: cannot be read: {error}') from error
    file = from_mapping(ClassesFile, content, f'classes_file {path}')
    names, colors = list(labels.names), list(labels.colors)
    for entry in file.classes:
        if not 0 <= entry.id < labels.num_classes:
            raise ConfigError(f'classes_file {path}: id {entry.id} is none of the network\'s, 0 to {labels.num_classes - 1}')
        names[entry.id] = entry.name
        if entry.color is not None:
            colors[entry.id] = _color(entry, file.color_order, path)
    try:
        return dataclasses.replace(labels, names=tuple(names), colors=tuple(colors))
    except ValueError as error:
        raise ConfigError(f'classes_file {path}: {error}') from error


def _color(entry: ClassEntry, order: str, path: str) -> tuple[int, int, int]:
    if not all(0 <= value <= 255 for value in entry.color):
        raise ConfigError(f'classes_file {path}: class {entry.id}: color {list(entry.color)} is not within 0..255')
    return entry.color if order == 'rgb' else entry.color[::-1]

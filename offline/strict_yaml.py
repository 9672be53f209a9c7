"""YAML as people write it: a key that stands twice is an error, 6e-5 is a number, and on, off, yes and no are words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from uda_seg_ros.config import ConfigError


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != '<<':
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f'key {key.value!r} stands twice', key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.1 takes the key `on` for True.
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != 'tag:yaml.org,2002:bool']
    for letter, resolvers in _Loader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver('tag:yaml.org,2002:bool', re.compile('true|True|false|False'), list('tTfF'))
# It takes 6e-5 for a text, for want of a dot.
_Loader.add_implicit_resolver('tag:yaml.org,2002:float', re.compile(r'[-+]?[0-9]+[eE][-+]?[0-9]+'), list('-+0123456789'))


def load(text: str, where: str) -> Any:
    """Parse a document. Raises ConfigError, in one line that begins with `where`."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f'{where}: cannot be read: {" ".join(str(error).split())}') from error


def read(path: Path) -> Any:
    """`load` for a file. Raises ConfigError."""
    try:
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path}: cannot be read: {getattr(error, "strerror", None) or error}') from error
    return load(text, str(path))

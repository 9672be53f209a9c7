"""The program text that a result depends on: whatever a file of the package imports, and what that imports in turn."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def text_digest(files: Iterable[Path]) -> str:
    """Of files of the package and of all that they import of it, at their top or later."""
    digest = hashlib.sha256()
    for file in sorted(reached(files)):
        digest.update(str(file.relative_to(PACKAGE)).encode() + b'\n' + file.read_bytes())
    return digest.hexdigest()


def reached(files: Iterable[Path]) -> set[Path]:
    """The files and all files of the package that they lead to by import statements. What is imported by a name that is
    made while the program runs is not found: name such files yourself."""
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports(file)
    return found


@cache
def imports(file: Path) -> tuple[Path, ...]:
    """Files of the package that one file imports, the folders' own __init__ among them."""
    names = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            names |= set(_from(node, file))
        elif isinstance(node, ast.Import):
            names |= {tuple(alias.name.split('.')) for alias in node.names}
    return tuple({path for name in names if name[:1] == (PACKAGE.name,) for path in _files(name[1:])})


def _from(node: ast.ImportFrom, file: Path) -> Iterator[tuple[str, ...]]:
    """Dotted names: of the module, and of each thing taken from it, which may be a module, too."""
    here = (PACKAGE.name, *file.relative_to(PACKAGE).parent.parts)
    module = tuple(node.module.split('.')) if node.module else ()
    base = (*here[:len(here) + 1 - node.level], *module) if node.level else module
    yield base
    yield from ((*base, alias.name) for alias in node.names)


def _files(name: tuple[str, ...]) -> Iterator[Path]:
    """Of a dotted name within the package, those that are there."""
    for depth in range(len(name) + 1):
        place = PACKAGE.joinpath(*name[:depth])
        yield from (path for path in (place / '__init__.py', place.with_suffix('.py')) if path.is_file())

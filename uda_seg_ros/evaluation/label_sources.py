"""Labels of a drive, found by the exact stamp of the picture: a topic of the bag, or files named by stamps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..labels import LabelSpace
from ..recordings.bag import BagError, open_bag
from ..recordings.folder import read_label
from ..recordings.images import image_to_mask, stamp_of
from . import EvaluationError

Label = Callable[[], np.ndarray]


class NoLabels:
    """unmatched: labels that no picture had the stamp of. breaks: in words, where a source ends before its end."""

    unmatched = 0
    breaks: tuple[str, ...] = ()

    def take(self, stamp_ns: int, counted: bool = True) -> Label | None:
        """The label of this stamp, to be decoded when it is called. Stamps must rise from call to call.

        counted: whether labels passed over count as unmatched.
        """

    def drain(self) -> None:
        """No picture will come any more: what is left is unmatched."""


class LabelTopic(NoLabels):
    """A topic of a bag, read beside the pictures only as far as these have come, so that few are held at a time."""

    def __init__(self, path: Path, topic: str) -> None:
        self.unmatched, self.breaks = 0, []
        self._labels = self._read(path, topic)
        self._next = next(self._labels, None)

    def _read(self, path: Path, topic: str) -> Iterator[tuple[int, Any]]:
        from .drive import in_order
        with open_bag(path) as bag:
            yield from in_order(self._whole(bag.messages([topic])))

    def _whole(self, messages: Iterator) -> Iterator[tuple[int, Any]]:
        try:
            for _, _, message in messages:
                yield stamp_of(message), message
        except BagError as error:
            self.breaks.append(f'labels: {error}')

    def take(self, stamp_ns: int, counted: bool = True) -> Label | None:
        while self._next is not None and self._next[0] < stamp_ns:
            self.unmatched += counted
            self._next = next(self._labels, None)
        if self._next is None or self._next[0] != stamp_ns:
            return None
        message, self._next = self._next[1], next(self._labels, None)
        return lambda: image_to_mask(message)

    def drain(self) -> None:
        while self._next is not None:
            self.unmatched += 1
            self._next = next(self._labels, None)


class LabelFiles(NoLabels):
    """Pictures named by the stamp: '1700000000123456789.png' (nanoseconds), '1700000000_123456789.png' or with a dot."""

    def __init__(self, folder: Path, space: LabelSpace) -> None:
        """Raises EvaluationError if no picture there is named so, or two have one stamp."""
        if not folder.is_dir():
            raise EvaluationError(f'{folder}: no such folder of labels')
        self.unmatched, self.breaks, self._space = 0, [], space
        self._paths: dict[int, Path] = {}
        for path in sorted(folder.glob('*.png')):
            if (stamp := stamp_in(path.stem)) is None:
                continue
            if (other := self._paths.setdefault(stamp, path)) is not path:
                raise EvaluationError(f'{folder}: {other.name} and {path.name} have one stamp; keep one of them')
        if not self._paths:
            raise EvaluationError(f"{folder}: no label picture named by its picture's stamp, such as "
                                  '1700000000123456789.png (nanoseconds) or 1700000000_123456789.png')

    def __len__(self) -> int:
        return len(self._paths)

    def take(self, stamp_ns: int, counted: bool = True) -> Label | None:
        path = self._paths.pop(stamp_ns, None)
        return None if path is None else lambda: read_label(path, self._space)

    def drain(self) -> None:
        self.unmatched = len(self._paths)


def stamp_in(name: str) -> int | None:
    """Nanoseconds that a file's name tells (of '_TrainIds' at its end nothing), None if it tells none."""
    name = re.sub(r'_?(label)?TrainIds$', '', name)
    if name.isdecimal():
        return int(name)
    parts = re.fullmatch(r'(\d+)[._](\d{9})', name)
    return int(parts[1]) * 1_000_000_000 + int(parts[2]) if parts else None

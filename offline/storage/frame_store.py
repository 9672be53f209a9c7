"""Frames of a recording, decoded once and kept as JPEG in a few large files, so that any of them can be read at once.

Measured at 1280x720, one core: to write a JPEG of quality 98 with full colour takes 4 ms, to read it 5 ms, and it needs
0.4 MB; PNG 40 ms, 16 ms and 0.9 MB; the bare pixels 2.8 MB; to seek in the video itself 56 ms. The price is an error of
0.6 of 255 grey values on average (at most 10). Frames that were recorded as JPEG or PNG are kept as they are.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from uda_seg_ros.runtime.pictures import decode_picture

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 98, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 3)
_SPARE_BYTES = 10**9  # left free on the disk
_KINDS = ('image', 'label')


class StoreFull(ValueError):
    """The frames need more room than there is, or is allowed. The text says how much."""


@dataclass(frozen=True, eq=False)
class StoredFrame:
    """number: its place in the recording. image: bytes of a JPEG or PNG. label: bytes of a PNG of ids, or None."""

    number: int
    stamp_ns: int
    image: bytes
    label: bytes | None = None


class FrameStore:
    """The frames in a folder that `write_frames` filled. Travels to other processes as its folder alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return FrameStore, (self.folder,)

    @functools.cached_property
    def _index(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / 'index.npz') as arrays:
            return dict(arrays)

    @property
    def notes(self) -> list[str]:
        """What a person should know of the recording, a line each."""
        return json.loads((self.folder / 'notes.json').read_text(encoding='utf-8'))

    def __len__(self) -> int:
        return len(self._index['number'])

    def number(self, index: int) -> int:
        return int(self._index['number'][index])

    def stamp_ns(self, index: int) -> int:
        return int(self._index['stamp_ns'][index])

    def image(self, index: int) -> np.ndarray:
        """HxWx3 uint8 RGB."""
        return decode_picture(np.frombuffer(self._content('image', index), np.uint8))

    def label(self, index: int) -> np.ndarray:
        """HxW uint8 ids. Only of a store with labels."""
        return cv2.imdecode(np.frombuffer(self._content('label', index), np.uint8), cv2.IMREAD_UNCHANGED)

    def _content(self, kind: str, index: int) -> bytes:
        ends = self._index[kind]
        start = int(ends[index - 1]) if index else 0
        with open(self.folder / f'{kind}s.bin', 'rb') as file:
            file.seek(start)
            return file.read(int(ends[index]) - start)


def write_frames(folder: Path, frames: Iterable[StoredFrame], notes: Sequence[str], expected: int, max_bytes: int) -> None:
    """Fill an empty folder. One frame is in memory at a time.

    notes: may grow while frames are made. expected: how many frames may come, to tell early that they will not fit.
    Raises StoreFull, OSError.
    """
    rows: list[tuple[int, int]] = []
    ends: dict[str, list[int]] = {kind: [] for kind in _KINDS}
    room = min(max_bytes, shutil.disk_usage(folder).free - _SPARE_BYTES)
    with ExitStack() as stack:
        files = {kind: stack.enter_context(open(folder / f'{kind}s.bin', 'wb')) for kind in _KINDS}
        for frame in frames:
            rows.append((frame.number, frame.stamp_ns))
            for kind in _KINDS:
                files[kind].write(getattr(frame, kind) or b'')
                ends[kind].append(files[kind].tell())
            _check_room(sum(files[kind].tell() for kind in _KINDS), len(rows), expected, room, max_bytes)
    number, stamp_ns = np.array(rows, np.int64).reshape(-1, 2).T
    np.savez(folder / 'index.npz', number=number, stamp_ns=stamp_ns,
             **{kind: np.array(ends[kind], np.int64) for kind in _KINDS})
    (folder / 'notes.json').write_text(json.dumps(list(notes)), encoding='utf-8')


def _check_room(written: int, count: int, expected: int, room: int, max_bytes: int) -> None:
    """Raise StoreFull where the frames so far take too much, or let expect it of all; the first few say little."""
    likely = written / count * expected if count % 16 == 0 else 0
    if max(written, likely) > room:
        why = 'are allowed by max_gb' if room == max_bytes else 'are free on the disk'
        raise StoreFull(f'{max(written, likely) / 1e9:.2g} GB are needed for {expected} frames, '
                        f'{max(room, 0) / 1e9:.2g} GB {why}')


def to_jpeg(image: np.ndarray) -> bytes:
    """HxWx3 uint8 RGB, as the store keeps it."""
    return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _JPEG)[1].tobytes()


def to_png(ids: np.ndarray) -> bytes:
    """HxW uint8, without loss."""
    return cv2.imencode('.png', ids, _PNG)[1].tobytes()

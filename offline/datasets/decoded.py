"""Base of the data sets whose frames lie in a recording: decoded once into the cache folder, then read in any order."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from uda_seg_ros.recordings import RecordingError
from uda_seg_ros.storage.cache_folder import cache_folder, made_once

from ..storage.frame_store import FrameStore, StoredFrame, StoreFull, write_frames
from .base import Dataset, DatasetError

_FORMAT = 1  # of the store; a new one is a new key


class RecordingWarning(UserWarning):
    """Something of a recording could not be used; the rest is."""


@dataclass(frozen=True)
class Decoding:
    """What can be set for any recording. stride: every so many-th frame is used, the first among them.

    max_gb: most that the frames may take in the cache folder; about 0.4 GB a thousand of 1280x720.
    """

    stride: int = 1
    max_gb: float = 20.0

    def __post_init__(self) -> None:
        if self.stride < 1 or self.max_gb <= 0:
            raise ValueError('stride must be 1 or more, max_gb above 0')


class DecodedRecording(Dataset):
    """A subclass names the files and gives the frames; opening it decodes them, unless the same was opened before."""

    Config = Decoding

    def __init__(self, root: Path, config: Any) -> None:
        """Raises DatasetError where nothing can be used or it does not fit. One RecordingWarning tells what was left out."""
        self.root, self.config = root, config
        if not root.exists():
            raise DatasetError(f'{self.describe()}: not found')
        self._key = self._content_key()
        try:
            folder = made_once(cache_folder() / f'frames_{self._key}', self._decode)
        except RecordingError as error:
            raise DatasetError(str(error)) from error
        except StoreFull as error:
            raise DatasetError(f'{self.describe()}: {error}; use a larger stride, max_gb or $UDA_SEG_CACHE') from error
        except OSError as error:
            raise DatasetError(f'{self.describe()}: its frames cannot be kept in {cache_folder()}: '
                               f'{error.strerror or error}; $UDA_SEG_CACHE names another folder') from error
        self._store = FrameStore(folder)
        if notes := self._store.notes:
            warnings.warn(f'{self.describe()}: {"; ".join(notes)}', RecordingWarning, stacklevel=2)

    def files(self) -> list[Path]:
        """What the recording is made of; a change of size or time is another recording."""
        return [self.root]

    def num_expected(self) -> int:
        """How many frames will come at most, 0 where that is not known."""
        raise NotImplementedError

    def frames(self, notes: list[str]) -> Iterator[StoredFrame]:
        """Yield what to keep, one by one, and add to `notes` what was left out. Raises RecordingError."""
        raise NotImplementedError

    def _decode(self, folder: Path) -> None:
        expected, notes = self.num_expected(), []
        with tqdm(self.frames(notes), f'decoding {self.root.name}', expected or None, unit='frame', disable=None) as bar:
            write_frames(folder, bar, notes, expected, int(self.config.max_gb * 1e9))

    def _content_key(self) -> str:
        files = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in self.files()]
        options = {name: value for name, value in asdict(self.config).items() if name != 'max_gb'}
        text = json.dumps([_FORMAT, type(self).__name__, files, options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def __len__(self) -> int:
        return len(self._store)

    def image(self, index: int) -> np.ndarray:
        return self._store.image(index)

    def name(self, index: int) -> str:
        return f'{self._store.number(index):06d}'

    def describe(self) -> str:
        return f'{type(self).__name__.lower()} {self.root}'

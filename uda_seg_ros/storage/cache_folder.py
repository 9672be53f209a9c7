"""Where what was computed once is kept: rendered drives, decoded recordings, class statistics."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .whole_file import sync


def cache_folder() -> Path:
    """$UDA_SEG_CACHE, else ~/.cache/uda_seg_ros. May not exist yet."""
    return Path(os.environ.get('UDA_SEG_CACHE') or Path.home() / '.cache' / 'uda_seg_ros')


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """The folder `path`; where it is not there yet, `make` fills an empty folder that then gets its name.

    Whole or not at all, and by one process at a time, however many ranks want it. Raises what `make` raises, OSError; that
    of a full disk names `path`.
    """
    if path.is_dir():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f'{path.name}.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_dir():
            return path
        draft = path.with_name(f'{path.name}.draft')
        shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed
        draft.mkdir()
        try:
            make(draft)
        except BaseException as error:
            shutil.rmtree(draft, ignore_errors=True)
            if isinstance(error, OSError) and error.errno and not error.filename:
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise
        for file in draft.rglob('*'):  # else the name may outlive a power cut, and not what it names
            sync(file)
        draft.rename(path)
        sync(path.parent)
    return path

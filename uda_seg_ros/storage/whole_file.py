"""Files that are there whole or not at all: written beside, synced, then renamed over what was there before."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from socket import gethostname

A_DAY_S = 86400.0


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Call `write` with a draft beside `path`, then put the draft in the place of `path`.

    What was at `path` stays until the new content is on the disk. Of processes and threads that write at once the last one
    wins; a draft left by a killed one is removed.
    Raises what `write` raises; an OSError that names no file, as that of a full disk, then names `path`.
    """
    draft = _draft_beside(path)
    try:
        write(draft)
        sync(draft)
    except BaseException as error:
        draft.unlink(missing_ok=True)  # on a full disk its room is needed
        if isinstance(error, OSError) and error.errno and not error.filename:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    os.replace(draft, path)
    sync(path.parent)


def _draft_beside(path: Path) -> Path:
    """A name that no other process or thread uses, and the room that ended ones took given back."""
    name = re.compile(rf'\.{re.escape(path.name)}\.(.+)-(\d+)\.draft{re.escape(path.suffix)}')
    for other in path.parent.glob('.*.draft*'):
        if (found := name.fullmatch(other.name)) and _is_left(other, *found.groups()):
            other.unlink(missing_ok=True)
    return path.with_name(f'.{path.name}.{gethostname()}-{threading.get_native_id()}.draft{path.suffix}')


def _is_left(draft: Path, host: str, thread: str) -> bool:
    """Whether nobody writes there any more. Of another computer, or container, only the time tells."""
    if host == gethostname():
        return not Path(f'/proc/{thread}').exists()  # it knows threads, too
    with contextlib.suppress(FileNotFoundError):
        return time.time() - draft.stat().st_mtime > A_DAY_S
    return False


def write_text(path: Path, text: str) -> None:
    """`write_whole` for a text."""
    write_whole(path, lambda draft: draft.write_text(text, encoding='utf-8'))


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

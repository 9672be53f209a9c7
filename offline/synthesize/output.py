"""The folder a drive is written to: fresh, or one of our own that may be replaced; described by drive.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from uda_seg_ros.procedural.schedule import Schedule

DESCRIPTION = 'drive.json'


class OutputError(Exception):
    """The folder cannot be used; the message says why."""


def prepare(out: Path, overwrite: bool) -> None:
    """Make sure nothing stands at `out`. OutputError if something does, unless it is an old drive and may be replaced."""
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f'{out} exists and is not a folder')
    if not any(out.iterdir()):
        out.rmdir()
    elif not overwrite:
        raise OutputError(f'{out} exists and is not empty; choose another --out or add --overwrite')
    elif not (out / DESCRIPTION).is_file():
        raise OutputError(f'{out} is not empty and holds no {DESCRIPTION}, so it is not an earlier drive: not overwritten')
    else:
        shutil.rmtree(out)


def describe(out: Path, schedule: Schedule, **values) -> None:
    """Write drive.json: what is made, whether it is complete, and which frames belong to which segment."""
    segments = [{'name': part.name, 'start': part.start, 'stop': part.stop} for part in schedule.segments]
    text = json.dumps({**values, 'frames': schedule.frames, 'segments': segments}, indent=2)
    (out / DESCRIPTION).write_text(text + '\n', encoding='utf-8')

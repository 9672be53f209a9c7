"""The table in its four forms, written beside the runs."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from uda_seg_ros.storage.whole_file import write_text, write_whole

from .suite import Suite
from .table import Result, comma_separated, markdown, rows


def write(suite: Suite, results: Sequence[Result], out: Path, report: Callable[[str], None]) -> None:
    """table.json, .md, .csv and .png, each whole, and the table on the screen."""
    table = rows(suite, results)
    out.mkdir(parents=True, exist_ok=True)
    with (out / '.lock').open('w') as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # trainings that were called one by one may end together
        write_text(out / 'table.json', json.dumps([asdict(row) for row in table], indent=1))
        write_text(out / 'table.md', markdown(table))
        write_text(out / 'table.csv', comma_separated(table))
        try:
            from .plot import plot
            write_whole(out / 'table.png', lambda draft: plot(suite, table, results, draft))
        except ImportError:
            report("no picture of the table: matplotlib is missing; 'source scripts/ros_env.sh train' installs it")
    report(f'\n{suite.title}\n\n{markdown(table)}\n{out / "table.md"}')

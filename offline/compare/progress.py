"""How far the trainings of a suite are, and how long they will still take."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from .suite import run_folder

Job = tuple[str, int]


def named(job: Job) -> str:
    return f'{job[0]}, seed {job[1]}'


class Progress:
    """steps: planned, of each training. runs: folder of the trainings. workers: how many run at a time."""

    def __init__(self, steps: Mapping[Job, int], runs: Path, workers: int) -> None:
        self._steps, self._runs, self._workers = dict(steps), runs, workers
        self._running: dict[Job, tuple[float, int]] = {}  # when it began, and at which step
        self._ended: dict[Job, tuple[float, int]] = {}  # seconds, and the steps done in them

    def begin(self, job: Job) -> None:
        self._running[job] = (time.monotonic(), self._done(job))

    def end(self, job: Job) -> None:
        """Whether it was finished or failed."""
        self._ended[job] = self._spent(job)
        del self._running[job]

    def line(self) -> str:
        """For people: what is done, what runs, and the time left."""
        running = '; '.join(f'{named(job)} (step {self._done(job)} of {self._steps[job]})' for job in self._running)
        left = self.seconds_left()
        return (f'{len(self._ended)} of {len(self._steps)} ended' + (f'; running: {running}' if running else '')
                + (f'; about {max(1, round(left / 60))} min left' if left else ''))

    def seconds_left(self) -> float | None:
        """Steps to go times seconds a step, of the same method where one has been seen; None before the first step."""
        spent = {**self._ended, **{job: self._spent(job) for job in self._running}}
        overall = _rate(spent, None)
        if overall is None:
            return None
        open_jobs = [job for job in self._steps if job not in self._ended]
        seconds = sum((self._steps[job] - self._done(job)) * (_rate(spent, job[0]) or overall) for job in open_jobs)
        return seconds / max(1, min(self._workers, len(open_jobs)))

    def _spent(self, job: Job) -> tuple[float, int]:
        began, first = self._running[job]
        return time.monotonic() - began, self._done(job) - first

    def _done(self, job: Job) -> int:
        """Steps over all stages, as the logs say."""
        return sum(_last_step(log) for log in run_folder(self._runs, *job).glob('*/log.jsonl'))


def _rate(spent: Mapping[Job, tuple[float, int]], method: str | None) -> float | None:
    """Seconds a step, of one method or of all."""
    chosen = [value for job, value in spent.items() if method in (None, job[0]) and value[1]]
    return sum(seconds for seconds, _ in chosen) / sum(steps for _, steps in chosen) if chosen else None


def _last_step(log: Path) -> int:
    for line in reversed(log.read_text(encoding='utf-8', errors='replace').splitlines()):
        try:
            return int(json.loads(line)['step'])
        except (ValueError, KeyError, TypeError):
            continue  # the last line may be half written
    return 0

"""The trainings of a suite, several at a time, each in a process of its own that ends with this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from ..errors import told
from .progress import Job, Progress, named
from .run import RESULT, CompareError, planned, train_one
from .suite import Suite, run_folder

STATUS_S = 60
STOP_S = 30
PROCESSES = multiprocessing.get_context('forkserver')
# Loaded once, not in every training again.
PROCESSES.set_forkserver_preload(['offline.compare.jobs', 'torch.utils.tensorboard', 'torch._dynamo'])

Report = Callable[[str], None]


def train_all(suite: Suite, jobs: Sequence[Job], out: Path, *, workers: int, device: str | None, resume: bool,
              report: Report) -> None:
    """Train each job, `workers` at a time, each after what it needs; what it prints goes to output.txt in its folder.

    A failed training stops only those that need it. Raises CompareError in the end if there was one; KeyboardInterrupt on
    SIGINT and SIGTERM, after the trainings under way have written their checkpoints.
    """
    steps = {job: sum(stage.steps for stage in planned(suite, *job, out).stages) for job in jobs}
    progress = Progress(steps, out / 'runs', workers)
    waiting, running, failed = sorted(jobs, key=steps.get, reverse=True), {}, {}  # or a long one is left alone at the end
    with _stops():
        try:
            while True:
                ready = [job for job in waiting if _ready(suite, job, out)]
                for job in ready[:workers - len(running)]:
                    waiting.remove(job)
                    running[job] = _start(suite, job, out, device, resume, workers)
                    progress.begin(job)
                if not running:
                    break
                report(progress.line())
                _wait(running, failed, progress, out, report)
        except KeyboardInterrupt:
            _stop(running.values())
            raise KeyboardInterrupt('stopped; to go on: the same command with --resume') from None
    if failed:
        raise CompareError(_told(failed, waiting))


def _ready(suite: Suite, job: Job, out: Path) -> bool:
    return all((run_folder(out / 'runs', other, job[1]) / RESULT).exists() for other in suite.needs(job[0]))


def _wait(running: dict[Job, BaseProcess], failed: dict[Job, str], progress: Progress, out: Path, report: Report) -> None:
    """Until one or more have ended, or it is time for a sign of life."""
    connection.wait([process.sentinel for process in running.values()], STATUS_S)
    for job in [job for job, process in running.items() if process.exitcode is not None]:
        code = running.pop(job).exitcode
        progress.end(job)
        if code:
            failed[job] = _reason(code, run_folder(out / 'runs', *job) / 'output.txt')
        report(f'{named(job)}: {failed.get(job, "done")}')


def _reason(code: int, log: Path) -> str:
    lines = log.read_text(encoding='utf-8', errors='replace').strip().splitlines() if log.exists() else []
    how = f'killed by {signal.Signals(-code).name}' if code < 0 else (lines or [f'exit code {code}'])[-1]
    return f'failed: {how.removeprefix("error: ")} (all output: {log})'


def _told(failed: dict[Job, str], waiting: Sequence[Job]) -> str:
    lines = [f'{named(job)}: {reason}' for job, reason in failed.items()]
    if waiting:
        lines.append(f'not begun, for want of these: {"; ".join(map(named, waiting))}')
    return '\n  '.join(lines) + '\nwhat is finished is kept; once this is mended, go on with --resume'


def _start(suite: Suite, job: Job, out: Path, device: str | None, resume: bool, workers: int) -> BaseProcess:
    threads = max(1, torch.get_num_threads() // workers)
    process = PROCESSES.Process(target=_train_apart, name=named(job),
                                args=(suite, job, out, device, resume, threads, dict(os.environ)))
    process.start()
    return process


def _train_apart(suite: Suite, job: Job, out: Path, device: str | None, resume: bool, threads: int,
                 environment: dict[str, str]) -> None:
    """What a process does. environment: this process stems from a server that may be older than it."""
    os.environ.update(environment)
    folder = run_folder(out / 'runs', *job)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'output.txt').open('ab') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)

    def run() -> None:
        train_one(suite, *job, out, device, resume, lambda line: print(line, flush=True))
    sys.exit(told(run))


def _end_with_parent() -> None:
    connection.wait([multiprocessing.parent_process().sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(processes: Sequence[BaseProcess]) -> None:
    """Let all write their checkpoints; who does not end is killed."""
    processes = list(processes)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(STOP_S)
        process.kill()


@contextmanager
def _stops() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does."""
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def default_workers(device: str | None) -> int:
    """One training at a time on a GPU; on a CPU one a core, which is faster than one after the other on all cores."""
    on_gpu = device not in (None, 'cpu', 'auto') or (device != 'cpu' and torch.cuda.is_available())
    return 1 if on_gpu else max(1, os.cpu_count() or 1)

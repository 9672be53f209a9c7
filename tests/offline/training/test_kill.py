"""A training that is killed at any moment and resumed ends bit for bit where an uninterrupted one does."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch._dynamo  # this and the next: loaded once here, not again in every child
import torch.utils.tensorboard  # noqa: F401

from offline.load_recipe import to_recipe
from offline.training import run_folder
from offline.training.stage_run import Intervals
from offline.training.stages import train_recipe
from uda_seg_ros.storage import whole_file

from ..stand_in import small_recipe

EVERY_STEP = Intervals(log=3, checkpoint_s=0)
FORK = multiprocessing.get_context('fork')
pytestmark = pytest.mark.usefixtures('registered', 'one_thread')


def train(out: Path, dies_at: int | None = None) -> None:
    """Train in this process. dies_at: at this call of `sync`, which everything that is saved goes through, half of what
    was written is lost and the process is killed.
    """
    calls, real = 0, whole_file.sync

    def sync(path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == dies_at:
            if path.is_file():
                os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        real(path)
    if dies_at is not None:
        whole_file.sync = run_folder.sync = sync
    train_recipe(to_recipe(small_recipe(), 'small'), out, resume=True, device='cpu', report=lambda line: None,
                 intervals=EVERY_STEP)


def run_apart(*arguments) -> multiprocessing.Process:
    process = FORK.Process(target=train, args=arguments)
    process.start()
    return process


def results(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for pattern in ('*.safetensors', '*.png')
            for path in sorted(out.rglob(pattern))}


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    """Filled by the first test that asks; the fixtures of a test are in force only within it."""
    return {}


def expected(store: dict, folder: Path) -> dict[str, bytes]:
    if not store:
        process = run_apart(folder / 'uninterrupted')
        process.join()
        assert process.exitcode == 0
        store.update(results(folder / 'uninterrupted'))
    return store


def test_killed_while_it_saves(uninterrupted, tmp_path):
    wanted, draw, deaths = expected(uninterrupted, tmp_path), random.Random(0), 0
    out = tmp_path / 'killed'
    for _ in range(40):
        process = run_apart(out, draw.randint(4, 20))
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        deaths += 1
    assert deaths > 4
    assert results(out) == wanted
    assert len(wanted) == 2 * (3 + 3)  # parts and pseudo-labels of two stages


def test_killed_at_any_time(uninterrupted, tmp_path):
    wanted, draw, deaths = expected(uninterrupted, tmp_path), random.Random(1), 0
    out = tmp_path / 'killed'
    for _ in range(40):
        process = run_apart(out)
        process.join(draw.uniform(0.05, 0.5) if deaths < 6 else None)
        if process.exitcode == 0:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        deaths += 1
    assert deaths
    assert results(out) == wanted


def test_ctrl_c_saves_and_the_run_goes_on(uninterrupted, tmp_path):
    wanted, out = expected(uninterrupted, tmp_path), tmp_path / 'stopped'
    process = run_apart(out)
    while not list(out.glob('*/checkpoint.pt')) and process.is_alive():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    last = run_apart(out)
    last.join()
    assert last.exitcode == 0
    assert results(out) == wanted

"""The command from end to end: every training, the table, and what goes wrong."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from offline.compare.command import main

from .small import SUITE, stage, with_methods, written

FORK = multiprocessing.get_context('fork')
KEYS = ('method', 'target_miou', 'stderr', 'gap_closed', 'student_parameters', 'images_per_s', 'minutes')
LONG = 100_000


@pytest.fixture(scope='module', autouse=True)
def settings(tmp_path_factory):
    """One thread, and one cache for all, also of other processes."""
    threads, patch = torch.get_num_threads(), pytest.MonkeyPatch()
    patch.setenv('UDA_SEG_CACHE', str(tmp_path_factory.getbasetemp() / 'cache'))
    patch.setenv('OMP_NUM_THREADS', '1')
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    patch.undo()


@pytest.fixture(scope='module')
def compared(tmp_path_factory):
    """The whole comparison, done once: (suite, out)."""
    folder = tmp_path_factory.mktemp('compared')
    assert compare(written(folder), folder / 'out', '--jobs', '2') == 0
    return folder / 'small.yaml', folder / 'out'


def compare(suite: Path, out: Path, *more: str) -> int:
    return main([str(suite), '--out', str(out), '--device', 'cpu', *more])


def tensors(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.glob('*/networks/*'))}


def test_the_table_has_a_row_for_every_method(compared):
    rows = json.loads((compared[1] / 'table.json').read_text())
    assert [row['method'] for row in rows] == list(SUITE['methods'])
    for row in rows:
        assert set(KEYS) <= row.keys() and row['seeds'] == 2
        assert 0 <= row['target_miou'] <= 100 and row['stderr'] >= 0 and row['images_per_s'] > 0 and row['minutes'] > 0
    assert len({row['student_parameters'] for row in rows}) == 1
    assert rows[3]['teacher_miou'] is not None and rows[0]['teacher_miou'] is None


def test_the_other_forms_of_the_table_hold_the_same(compared):
    rows = json.loads((compared[1] / 'table.json').read_text())
    with (compared[1] / 'table.csv').open() as file:
        assert [float(row['target_miou']) for row in csv.DictReader(file)] == [row['target_miou'] for row in rows]
    lines = (compared[1] / 'table.md').read_text().splitlines()[2:]
    assert [line.split(' | ')[0] for line in lines] == [f'| {row["method"]}' for row in rows]
    assert (compared[1] / 'table.png').stat().st_size > 5000


def test_a_second_call_trains_nothing(compared, capsys):
    suite, out = compared
    before = {path: path.stat().st_mtime_ns for path in (out / 'runs').rglob('*')}
    assert compare(suite, out) == 0
    assert {path: path.stat().st_mtime_ns for path in (out / 'runs').rglob('*')} == before
    assert 'trainings' not in capsys.readouterr().out


def test_what_a_training_prints_is_beside_its_run(compared):
    text = (compared[1] / 'runs/duda/seed_1/output.txt').read_text()
    assert 'stage 2/2 refine: duda_refine, 2 steps' in text and 'refine: step 2/2' in text


def test_results_of_another_recipe_do_not_slip_into_the_table(compared, tmp_path, capsys):
    longer = written(tmp_path, steps=2.0)
    assert compare(longer, compared[1]) == 1
    told = capsys.readouterr().err
    assert told.startswith('error: ') and told.count('\n') == 1
    assert 'source_only/seed_0: was trained with another recipe: stages[0].steps was 2, is 4' in told


def test_a_comparison_may_be_moved(compared, tmp_path):
    (tmp_path / 'moved').symlink_to(compared[1])
    assert compare(compared[0], tmp_path / 'moved') == 0


def test_a_training_that_fails_is_named_and_the_others_stay(tmp_path, capsys):
    methods = with_methods(
        broken={'networks': {'student': {'weights': 'nowhere.pth'}}, 'stages': [stage('a', 'source_only')]},
        after={'networks': {'student': {'weights': 'method:broken'}}, 'stages': [stage('a', 'source_only')]})
    suite, out = written(tmp_path, methods=methods), tmp_path / 'out'
    assert compare(suite, out, '--only', 'broken', '--only', 'after', '--only', 'supervised', '--jobs', '2') == 1
    told = capsys.readouterr().err
    for seed in (0, 1):
        log = out / 'runs' / 'broken' / f'seed_{seed}' / 'output.txt'
        assert f'broken, seed {seed}: failed: weights: nowhere.pth: no such file' in told and str(log) in told
    assert told.startswith('error: broken') and 'not begun, for want of these: after, seed 0; after, seed 1' in told
    assert {row['method']: row['seeds'] for row in json.loads((out / 'table.json').read_text())} == {
        'source_only': 2, 'supervised': 2}


def test_short_calls_chain_and_one_that_is_killed_goes_on(compared, tmp_path, capsys):
    suite, out = compared[0], tmp_path / 'chained'
    call = ('--only', 'duda', '--seed', '0', '--resume')
    process = FORK.Process(target=compare, args=(suite, out, *call))
    process.start()
    wait_for(lambda: list(out.glob('runs/duda/seed_0/01_refine/checkpoint.pt')) or not process.is_alive())
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL and (out / 'runs/source_only/seed_0/result.json').exists()
    assert compare(suite, out, *call[:-1]) == 1
    assert 'duda, seed 0 was begun and not finished; add --resume' in capsys.readouterr().err
    assert compare(suite, out, *call) == 0
    assert tensors(out / 'runs/duda/seed_0') == tensors(compared[1] / 'runs/duda/seed_0') != {}
    assert [row['method'] for row in json.loads((out / 'table.json').read_text())] == ['source_only', 'duda']


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL], ids=['ctrl-c', 'kill'])
def test_the_trainings_end_with_the_command(tmp_path, number):
    methods = with_methods(source_only={**SUITE['methods']['source_only'], 'stages': [stage('source', 'source_only', LONG)]})
    suite, out = written(tmp_path, methods=methods), tmp_path / 'out'
    command = [sys.executable, '-m', 'offline', 'compare', str(suite), '--out', str(out), '--device', 'cpu', '--jobs', '2',
               '--only', 'source_only']
    with (tmp_path / 'told').open('w+') as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, start_new_session=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell may ignore it
    runs = [out / 'runs/source_only' / f'seed_{seed}' for seed in (0, 1)]
    logs = [run / '00_source/log.jsonl' for run in runs]
    try:
        wait_for(lambda: process.poll() is not None or all(log.exists() and log.read_text() for log in logs))
        os.kill(process.pid, number)
        process.wait(60)
        wait_for(lambda: not any(map(locked, runs)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    for run in runs:
        assert 'the checkpoint is written' in (run / 'output.txt').read_text()
    if number == signal.SIGINT:
        assert 'to go on: the same command with --resume' in (tmp_path / 'told').read_text()


def locked(run: Path) -> bool:
    with (run / '.lock').open('w') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_for(condition) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize('more, words', [
    (['--only', 'dudda'], "--only: no method 'dudda' in {suite} (did you mean 'duda'?); known: source_only, supervised"),
    (['--jobs', '0'], '--jobs: at least one training at a time'),
    (['--device', 'tpu'], 'tpu')])
def test_a_wrong_call_is_one_line_that_says_what_to_do(tmp_path, capsys, more, words):
    suite = written(tmp_path)
    assert compare(suite, tmp_path / 'out', *more, *(['--seed', '0', '--only', 'source_only'] * ('--device' in more))) == 1
    told = capsys.readouterr().err
    assert told.startswith('error: ') and told.count('\n') == 1 and words.format(suite=suite) in told
    assert not (tmp_path / 'out' / 'table.json').exists()


@pytest.mark.parametrize('name, words', [
    ('camvid_day_to_dust.yaml', "no such file (did you mean 'camvid_day_to_dusk'?); suites that come with the project"),
    ('', 'no such file')])
def test_an_unknown_suite_is_told_with_the_nearest(tmp_path, capsys, name, words):
    assert compare(tmp_path / name, tmp_path / 'out') == 1
    assert words in capsys.readouterr().err

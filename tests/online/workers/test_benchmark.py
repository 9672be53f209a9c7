"""The benchmark of a learner beside inference: what it counts, and what it says where there is nothing to measure."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import cv2
import numpy as np
import pytest

from uda_seg_ros.cli import main
from uda_seg_ros.online.benchmark import SETTLING, Camera
from uda_seg_ros.structures import Segmentation

from ...conftest import ROOT
from .standin import METHOD


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'road.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    return path


def test_both_kinds_of_turn_are_measured_and_the_learner_works_in_one(tiny_bundle, picture, capsys):
    arguments = ['bench-adapt', tiny_bundle, picture, '--method', METHOD, '--backend', 'thread', '--device', 'cpu', '--rate',
                 '50', '--turn', '0.4', '--turns', '2']
    for options in ([], ['--json']):
        assert main([*map(str, arguments), *options]) == 0
        printed = capsys.readouterr().out
    report = json.loads(printed)
    for side in (report['on'], report['off']):
        assert 0 < side['p50_ms'] <= side['p95_ms'] <= side['p99_ms']
        assert side['frames'] + side['dropped'] >= 2 * 20
    assert report['ratio']['p99_ms'] == pytest.approx(report['on']['p99_ms'] / report['off']['p99_ms'])
    assert report['steps'] > 0 and report['swaps'] > 0 and report['backend'] == 'thread'


def test_a_learner_that_cannot_run_is_told_in_one_line(tiny_bundle, picture, capsys):
    arguments = ['bench-adapt', tiny_bundle, picture, '--method', 'tests.online.workers.standin:Nothing', '--device', 'cpu']
    assert main([*map(str, arguments)]) == 2
    assert "'tests.online.workers.standin:Nothing' is not there" in capsys.readouterr().err


def test_a_benchmark_that_is_broken_off_ends_cleanly_under_a_learner_that_does_not_end(tiny_bundle, picture, tmp_path):
    """One inside PyTorch when Python ends would abort the process."""
    settings, lives = tmp_path / 'settings.yaml', tmp_path / 'lives'
    settings.write_text(f'faults: [building for ever]\nlives: {lives}\n')
    arguments = ['bench-adapt', tiny_bundle, picture, '--method', METHOD, '--backend', 'thread', '--device', 'cpu',
                 '--settings', settings]
    command = subprocess.Popen([sys.executable, '-m', 'uda_seg_ros.cli', *map(str, arguments)], cwd=ROOT, text=True,
                               stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell may ignore it
    try:
        deadline = time.monotonic() + 60
        while not lives.exists():
            assert time.monotonic() < deadline and command.poll() is None
            time.sleep(0.05)
        command.send_signal(signal.SIGINT)
        said = command.communicate(timeout=60)[1]
    finally:
        command.kill()
        command.wait()
    assert (command.returncode, 'terminate called' in said) == (130, False), said


class Slow:
    """In place of engine and worker: every frame takes 2.5 periods of a camera of 100 Hz."""

    def batch(self, frames, **_):
        time.sleep(0.025)
        return [Segmentation(np.zeros((1, 1)), None, None, 0, '', 0)]

    giving_way = staticmethod(nullcontext)

    def take(self):
        return None

    def offer(self, frame):
        pass

    def rest(self, resting):
        pass


def test_frames_that_a_newer_one_overtakes_are_counted_as_dropped():
    camera = Camera(Slow(), Slow(), [np.zeros((1, 1, 3), np.uint8)], 100)
    camera.turn(True, 0.5)
    assert len(camera.latencies_ms[True]) + camera.dropped[True] >= 50 - SETTLING
    assert camera.dropped[True] >= len(camera.latencies_ms[True]) > 5
    assert camera.dropped[False] == len(camera.latencies_ms[False]) == 0

"""Ctrl-C keeps what was evaluated."""

from __future__ import annotations

import signal

import pytest

from uda_seg_ros.evaluation.drive import Drive
from uda_seg_ros.evaluation.interrupt import EXIT_CODE, Interruptible

from .conftest import evaluate, read_lines, read_summary


def test_values_end_after_the_one_in_work_and_the_handler_is_as_before():
    before, stop = signal.getsignal(signal.SIGINT), Interruptible()
    seen = []
    for value in stop(range(9)):
        seen.append(value)
        if value == 2:
            signal.raise_signal(signal.SIGINT)
    assert seen == [0, 1, 2] and stop.asked and signal.getsignal(signal.SIGINT) is before


def test_a_second_one_ends_at_once():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test runner may have one of its own
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in Interruptible()(range(9)):
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_command_makes_figures_of_what_it_saw(colours, foggy_bag, tmp_path, monkeypatch):
    shots = Drive.shots

    def pressed(drive, *given):
        for place, shot in enumerate(shots(drive, *given)):
            if place == 3:
                signal.raise_signal(signal.SIGINT)
            yield shot
    monkeypatch.setattr(Drive, 'shots', pressed)
    assert evaluate(foggy_bag, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video') == EXIT_CODE
    lines, summary = read_lines(tmp_path / 'out'), read_summary(tmp_path / 'out')
    assert 3 <= len(lines) <= 4 and summary['num_frames'] == len(lines)
    assert any('Stopped by hand' in note for note in summary['notes'])

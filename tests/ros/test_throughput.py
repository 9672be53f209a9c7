"""The benchmark runs from end to end and tells what it measured; how fast that is, is no matter of a test."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .node_process import ROOT, environment


def bench(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', 'uda_seg_ros.ros.throughput', *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=90)


def test_engine_and_node_are_measured_in_turn_in_one_run(tiny_bundle):
    run = bench('--bundle', str(tiny_bundle), '--size', '160x120', '--frames', '10', '--rounds', '3', '--json')
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told['picture'], told['frames'], len(told['engine_fps']), len(told['node_fps'])) == ('160x120', 10, 3, 3)
    assert 0 < told['ratio'] == pytest.approx(sorted(b / a for a, b in zip(told['engine_fps'], told['node_fps']))[1])


@pytest.mark.parametrize(('arguments', 'words'), [
    (('--bundle', '/nowhere'), '/nowhere/bundle.yaml: not found'), (('--size', 'big'), "'big' is not WxH")])
def test_what_cannot_be_measured_is_one_line_and_exit_code_2(arguments, words):
    run = bench(*arguments)
    assert run.returncode == 2
    assert words in run.stderr and 'Traceback' not in run.stderr

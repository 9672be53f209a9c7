"""The speed that bench-train prints is that of training steps, beside the same networks' own."""

from __future__ import annotations

import json

import pytest
import torch
import yaml

from offline.load_recipe import to_recipe
from offline.training import bench as bench_train
from offline.training.bare_networks import record_calls
from offline.training.distributed import World
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import build

from ..stand_in import StandIn, small_recipe
from .test_trainer import CLASSES, batch_of

pytestmark = pytest.mark.usefixtures('registered', 'one_thread')


def test_the_command_prints_speed_parts_and_ratio(tmp_path, capsys):
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(small_recipe()))
    assert bench_train.main([str(path), '--device', 'cpu', '--steps', '1', '--stage', 'first',
                             '--json', str(tmp_path / 'speed.json')]) == 0
    printed = capsys.readouterr().out
    numbers = json.loads((tmp_path / 'speed.json').read_text())
    assert 'images/s' in printed and 'times the bare networks' in printed
    assert all(part in printed and numbers['part_ms'][part] >= 0 for part in bench_train.PARTS)
    assert numbers['images_per_s'] == pytest.approx(2 * 1000 / numbers['step_ms'])
    assert numbers['ratio'] == pytest.approx(numbers['step_ms'] / numbers['bare_ms'])
    assert numbers['calls'] == ['2 times student: 2x3x32x64, forward + backward']


def test_an_unknown_stage_is_told(tmp_path, capsys):
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(small_recipe()))
    assert bench_train.main([str(path), '--stage', 'third']) == 1
    assert '--stage third: there are first, second' in capsys.readouterr().err


def test_a_network_that_only_init_names_is_measured_too():
    network = {'name': 'fast_scnn', 'settings': {'width': 0.25}}
    stages = [{'name': 'first', 'method': 'source_only', 'steps': 1},
              {'name': 'next', 'method': 'bkd', 'steps': 1, 'init': {'teacher': 'first.student'}}]
    recipe = to_recipe(small_recipe(networks={'student': network, 'teacher': network}, stages=stages), 'small')
    trainer = bench_train._trainer(recipe, recipe.stages[1], 0, World())
    assert set(trainer.method.networks) == {'student', 'teacher'}


def test_calls_are_recorded_as_they_are_and_repeated():
    method = StandIn({'student': build('fast_scnn', CLASSES, width=0.25)}, StandIn.Config(), Preprocess(32, 64))
    batch = batch_of(0).to(torch.device('cpu'))
    with record_calls(method) as calls:
        method(batch, 0)
        method.teacher(batch.target_image)
    assert [(call.name, call.trained) for call in calls.calls] == [
        ('student', True), ('student', True), ('teacher.network', False)]
    passes = []
    method.student.register_forward_hook(lambda *_: passes.append(1))
    calls.replay()
    assert len(passes) == 2 and len(calls.calls) == 3
    assert all(parameter.grad is None for parameter in method.parameters())

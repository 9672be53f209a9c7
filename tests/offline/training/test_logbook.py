"""The log tells each step once, also after a resume, and pictures show what the tensors hold."""

from __future__ import annotations

import builtins
import json

import numpy as np
import pytest
import torch

from offline.training.log_pictures import Pictures, of_step
from offline.training.logbook import Logbook
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.labels import CITYSCAPES, IGNORE

from ..stand_in import Plain, StandIn
from .test_trainer import batch_of


def open_logbook(folder, step=0, lines=None):
    return Logbook(folder, 'stage', step, 10, (lines if lines is not None else []).append, Pictures(CITYSCAPES))


def test_a_resumed_log_tells_each_step_once(tmp_path):
    first = open_logbook(tmp_path)
    for step in (2, 4, 6):
        first.record(step, {'source': step / 10}, 1.0, 3.0)
    first.close()
    with (tmp_path / 'log.jsonl').open('a') as file:
        file.write('{"step": 8, "sou')  # killed while it wrote
    second = open_logbook(tmp_path, step=4)
    second.record(6, {'source': 0.7}, 1.0, 3.0)
    second.close()
    entries = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert [(entry['step'], entry['source']) for entry in entries] == [(2, 0.2), (4, 0.4), (6, 0.7)]


def test_the_last_line_tells_losses_and_time_left(tmp_path):
    lines = []
    logbook = open_logbook(tmp_path, lines=lines)
    logbook.record(10, {'source': 0.25, 'gradient of main': 3.0}, 0.5, 12.0)
    logbook.close()
    assert lines == ['stage: step 10/10  source 0.25  12 images/s  0.0 min left']


def test_tensorboard_gets_scalars_and_pictures(tmp_path):
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    logbook = open_logbook(tmp_path)
    method = StandIn({'student': Plain(19)}, StandIn.Config(), Preprocess(32, 64))
    batch = batch_of(0).to(torch.device('cpu'))
    method(batch, 0)
    logbook.record(1, {'source': 0.25}, 0.5, 12.0)
    logbook.show_pictures(1, **of_step(batch, method))
    logbook.close()
    events = accumulator.EventAccumulator(str(tmp_path / 'tensorboard'))
    events.Reload()
    assert events.Scalars('source')[0].value == 0.25
    assert {'source_image', 'source_label', 'target_image', 'prediction_of_student', 'prediction_of_teacher',
            'method_noisy_image', 'method_pixel_weight'} < set(events.Tags()['images'])


def test_resumed_curves_hold_each_step_once(tmp_path):
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    for begin, steps in ((0, (2, 4, 6)), (4, (6, 8))):
        logbook = open_logbook(tmp_path, step=begin)
        for step in steps:
            logbook.record(step, {'source': step / 10}, 1.0, 3.0)
        logbook.close()
    events = accumulator.EventAccumulator(str(tmp_path / 'tensorboard'))
    events.Reload()
    assert [event.step for event in events.Scalars('source')] == [2, 4, 6, 8]


def test_without_tensorboard_one_line_tells_how_to_get_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments):
        if name.startswith('torch.utils.tensorboard'):
            raise ImportError(name)
        return real(name, *arguments)
    monkeypatch.setattr(builtins, '__import__', without)
    lines = []
    logbook = open_logbook(tmp_path, lines=lines)
    logbook.record(5, {'source': 1.0}, 1.0, 1.0)
    logbook.close()
    assert sum('ros_env.sh train' in line for line in lines) == 1 and not logbook.wants_pictures


def test_looking_at_a_method_changes_nothing():
    method = StandIn({'student': Plain(19)}, StandIn.Config(), Preprocess(32, 64))
    before = {name: tensor.clone() for name, tensor in method.state_dict().items()}
    of_step(batch_of(0).to(torch.device('cpu')), method.train())
    assert method.training and not method.teacher.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in method.state_dict().items())


@pytest.mark.parametrize('tensor, pixel', [
    (torch.ones(2, 3, 4, 5), (255, 255, 255)),
    (torch.full((2, 4, 5), 13), CITYSCAPES.colors[13]),
    (torch.full((2, 4, 5), IGNORE), (0, 0, 0)),
    (torch.full((2, 4, 5), 0.5), (128, 128, 128)),
    (torch.ones(2, 4, 5, dtype=torch.bool), (255, 255, 255)),
    (torch.eye(19)[None, 11].view(1, 19, 1, 1).expand(1, 19, 4, 5), CITYSCAPES.colors[11]),
])
def test_a_tensor_is_shown_by_its_form(tensor, pixel):
    picture = Pictures(CITYSCAPES).picture(tensor)
    assert picture.shape == (4, 5, 3) and picture.dtype == np.uint8
    assert tuple(picture[0, 0]) == pixel

"""Every part of the adapter can be left out, so that the benchmark can say what it is worth."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from uda_seg_ros.online import adapter as adapter_module
from uda_seg_ros.online import agenda
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.online.settings import AdapterSettings
from uda_seg_ros.online.training import deviation
from uda_seg_ros.streams.methods import choose

from .conftest import QUICK, clear, drive, foggy

SWITCHES = {'gate': ('gate', 'on'), 'restyle': ('training', 'restyle'), 'training.target': ('training', 'target'),
            'leash': ('training', 'leash'), 'key_frames': ('memory', 'key_frames'),
            'floor': ('floor', 'on'), 'watch': ('watch', 'on'), 'training': ('training', 'on')}


@pytest.mark.parametrize('name', SWITCHES)
def test_the_benchmark_finds_the_switch_of_every_part(name):
    part, key = SWITCHES[name]
    config, default = choose(f'ours-no_{name}').config, AdapterSettings()
    assert getattr(getattr(default, part), key) and not getattr(getattr(config, part), key)
    assert dataclasses.replace(config, **{part: getattr(default, part)}) == default


def without(bundle, state, part: str, **changes) -> Adapter:
    """In fog as `in_fog`, but with other settings of a part from now on."""
    settings = dataclasses.replace(QUICK, **{part: dataclasses.replace(getattr(QUICK, part), **changes)})
    adapter = Adapter(bundle, settings)
    adapter.load_state_dict(state)
    adapter.trial = None
    adapter.clock.begin('floor')
    return adapter


def collapsed(parameters) -> None:
    parameters['classifier.3.bias'] = torch.tensor([9.0, 0, 0, 0])


def test_without_the_gate_every_candidate_is_served_and_nothing_is_tried(bundle, fog_state):
    adapter = without(bundle, fog_state, 'gate', on=False)
    with torch.no_grad():
        adapter.learner.teacher.network.classifier[3].bias.copy_(torch.tensor([9.0, 0, 0, 0]))
    adapter.candidacy.tried = -1000
    given = [adapter.update(), adapter.update()]
    assert next(weights for weights in given if weights).tensors['classifier.3.bias'].tolist() == [9, 0, 0, 0]
    assert adapter.status.scale == 1 and 'untried' in adapter.status.events[-1].text and adapter.trial is None
    assert not agenda.gate_due(adapter)


def test_without_the_watch_nothing_is_taken_back(bundle, fog_state):
    adapter = without(bundle, fog_state, 'watch', on=False)
    bad = adapter.learner.parameters()
    collapsed(bad)
    adapter.serve(Serving(1.0, 0.0, bad))
    drive(adapter, foggy(4, 980), 26, pieces=0)
    assert adapter.status.rollbacks == 0 and adapter.status.scale == 1 and not adapter._compare


def test_without_the_floor_the_statistics_stay_those_of_the_source(bundle, fog_state):
    adapter = Adapter(bundle, dataclasses.replace(QUICK, floor=dataclasses.replace(QUICK.floor, on=False)))
    drive(adapter, clear(3), pieces=40)
    adapter.course.enter('adapt')
    drive(adapter, foggy(6), 3, pieces=0)
    assert adapter.floor.num_seen == 0 and not agenda.floor_due(adapter)


def test_without_key_frames_every_picture_enters_the_memory(bundle):
    for on, count in ((True, 1), (False, 4)):
        memory = dataclasses.replace(QUICK.memory, key_frames=on, cosine=0.9)
        adapter = Adapter(bundle, dataclasses.replace(QUICK, memory=memory))
        picture = clear(1)[0]
        drive(adapter, [picture + step for step in (0, 1, 2, 3)], pieces=0)
        assert adapter.memory.num_seen == count


def test_without_the_leash_weights_go_beyond_their_radius_and_the_gate_lets_them(bundle, fog_state):
    far = {}
    for leash in (True, False):
        adapter = without(bundle, fog_state, 'training', leash=leash, radius=1e-4)
        adapter.learner.restart({})
        adapter.learner.begin(2.0)
        adapter._train()
        student = adapter.learner.student.requires_grad_(False)
        far[leash] = deviation(dict(student.named_parameters()), adapter.anchor.tensors)
        assert (adapter.settings.training.most_deviation == float('inf')) == (not leash)
    assert far[True] <= 1.01e-4 < far[False]


def test_other_rates_count_from_the_next_step_on_where_training_is_taken_up(bundle, fog_state):
    adapter = without(bundle, fog_state, 'training', head_rate=7e-3, body_rate=2e-5)
    adapter.learner.left = adapter.learner._planned
    adapter._train()
    assert [group['lr'] for group in adapter.learner._optimiser.param_groups] == pytest.approx([7e-3, 2e-5])


def test_without_restyling_no_source_crop_takes_the_colours_of_the_target(bundle, fog_state, monkeypatch):
    shown = {}
    draw = adapter_module.draw
    for restyle in (True, False):
        adapter = without(bundle, fog_state, 'training', restyle=restyle)
        monkeypatch.setattr(adapter_module, 'draw', lambda *args: shown.setdefault(restyle, draw(*args)))  # noqa: B023
        adapter.learner._age = 1
        adapter._train()
    fog, plain = (float(shown[restyle].source.std()) for restyle in (True, False))
    assert fog < 0.6 * plain

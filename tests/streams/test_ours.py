"""The adapter in the benchmark, with one that does as it is told in its place."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from uda_seg_ros.online.status import AdaptationStatus, Event
from uda_seg_ros.streams.clock import Pace
from uda_seg_ros.streams.errors import StreamError
from uda_seg_ros.streams.methods import Setting, choose
from uda_seg_ros.streams.passes import counted
from uda_seg_ros.structures import Weights

MODULE = 'uda_seg_ros.streams.methods.ours'


@dataclass(frozen=True)
class Gate:
    on: bool = True
    every: int = 25


@dataclass(frozen=True)
class Settings:
    gate: Gate = field(default_factory=Gate)
    rate: float = 0.1
    watch: bool = True


class Adapter:
    """Busy for `work` pieces of `cost` forward passes after each frame; gives out weights with the third piece of all."""

    work, cost = 2, 1

    def __init__(self, bundle, settings, *, seed, device, size) -> None:
        self.bundle, self.settings, self.seed, self.size = bundle, settings, seed, size
        self.calls: list[str] = []
        self.left = 0
        self.network = bundle.network()
        self.events: tuple[Event, ...] = ()
        Adapter.last = self

    def observe(self, frame):
        self.calls.append(f'observe {frame.stamp_ns // 10**9}')
        self.left = self.work
        self.events = (*self.events, Event('shift', frame.stamp_ns, 'one more'))[-2:]

    @property
    def busy(self) -> bool:
        return self.left > 0

    def update(self):
        self.left -= 1
        self.calls.append('update')
        with torch.no_grad():
            for _ in range(self.cost):
                self.network(torch.zeros(1, 3, 64, 128))
        if self.calls.count('update') == 3:
            tensors = {name: torch.zeros_like(tensor) if tensor.is_floating_point() else tensor
                       for name, tensor in self.bundle.tensors.items()}
            return Weights(1, tensors)
        return None

    @property
    def status(self) -> AdaptationStatus:
        return AdaptationStatus('adapt', 'told to', share=0.5, shift=2.0, events=self.events)


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setitem(sys.modules, 'uda_seg_ros.online.adapter', SimpleNamespace(Adapter=Adapter))
    monkeypatch.setitem(sys.modules, 'uda_seg_ros.online.settings', SimpleNamespace(AdapterSettings=Settings))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    yield
    sys.modules.pop(MODULE, None)


def drive(bundle, footage, background=20, text='ours'):
    method = choose(text).make(Setting(bundle, size=(64, 128), seed=5, pace=Pace(background=background)))
    return [method(footage.frame(index), index) for index in range(len(footage))]


def test_frames_are_observed_and_pieces_done_while_there_is_work(stand_in, bundle, footage):
    drive(bundle, footage)
    assert Adapter.last.calls[:6] == ['observe 0', 'update', 'update', 'observe 1', 'update', 'update']


@pytest.mark.parametrize('cost, background, pieces', [(1, 4, [3, 3, 3, 3]), (3, 4, [1, 1, 1, 1]), (6, 4, [1, 0, 1, 0]),
                                                      (1, 1, [0, 0, 0, 0])])
def test_looks_and_pieces_share_one_budget_of_forward_passes(stand_in, bundle, footage, monkeypatch, cost, background,
                                                             pieces):
    """A look costs one; what a piece costs beyond the budget is missing from the frames after it."""
    monkeypatch.setattr(Adapter, 'work', 100)
    monkeypatch.setattr(Adapter, 'cost', cost)
    drive(bundle, footage, background)
    frames = ' '.join(Adapter.last.calls).split('observe')[1:]
    assert [frame.count('update') for frame in frames] == pieces


def test_what_is_counted_is_passes_by_their_pixels_and_three_for_one_that_learns(bundle):
    network = bundle.network().requires_grad_(False)
    with counted((64, 128)) as passes:
        network(torch.zeros(2, 3, 64, 128))
        network(torch.zeros(1, 3, 32, 64))
        network.requires_grad_(True)
        network(torch.zeros(1, 3, 64, 128))
        with torch.no_grad():
            network(torch.zeros(1, 3, 64, 128))
    network(torch.zeros(1, 3, 64, 128))
    assert passes.done == 2 + 0.25 + 3 + 1


def test_weights_serve_from_the_next_frame_on(stand_in, bundle, footage):
    """The third piece is done after frame 1: all weights zero give one class from frame 2 on."""
    frozen = choose('frozen').make(Setting(bundle))
    masks = [answer.mask for answer in drive(bundle, footage)]
    for index in (0, 1):
        assert np.array_equal(masks[index], frozen(footage.frame(index), index).mask)
    assert all(len(np.unique(mask)) == 1 for mask in masks[2:])


def test_every_event_is_told_once(stand_in, bundle, footage):
    answers = drive(bundle, footage)
    assert [answer.events for answer in answers] == [(('shift', 'one more'),)] * len(footage)
    assert answers[0].signals == {'shift': 2.0, 'share': 0.5, 'background': 3.0} and answers[0].forwards == 1


@pytest.mark.parametrize('text, expected', [
    ('ours', Settings()), ('ours-no_gate', Settings(gate=Gate(on=False))),
    ('ours-gate.every=5', Settings(gate=Gate(every=5))),
    ('ours-every=5-rate=1e-4', Settings(gate=Gate(every=5), rate=1e-4)), ('ours-no_watch', Settings(watch=False)),
    ('ours-no_rate', Settings(rate=0.0))])
def test_settings_change_by_name(stand_in, bundle, footage, text, expected):
    drive(bundle, footage, text=text)
    assert Adapter.last.settings == expected and Adapter.last.seed == 5


@pytest.mark.parametrize('text, message', [
    ('ours-no_gates', "unknown key 'gates'.*did you mean 'gate'"), ('ours-every=often', 'expected int')])
def test_a_setting_that_is_not_there_is_said(stand_in, text, message):
    with pytest.raises(StreamError, match=message):
        choose(text)

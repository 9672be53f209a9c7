"""One contract for every method of the table, and what each is known for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.streams.errors import StreamError
from uda_seg_ros.streams.methods import METHODS, Setting, choose
from uda_seg_ros.streams.methods.base import Learner
from uda_seg_ros.streams.methods.batchnorm import MixedNorm, mix_norms
from uda_seg_ros.streams.methods.class_reset import ClassReset
from uda_seg_ros.streams.methods.hamlet import Hamlet
from uda_seg_ros.streams.methods.rdumb import RDumb
from uda_seg_ros.streams.methods.tent import Tent
from uda_seg_ros.structures import Frame

BASELINES = [name for name in METHODS if name != 'ours']
LEARNING = ['tent_1e-3', 'ema', 'cotta', 'rdumb_100-sure=1.0', 'class_reset', 'hamlet-always=true']


def made(text, bundle, footage):
    return choose(text).make(Setting(bundle, other=footage))


def masks(method, footage) -> list[np.ndarray]:
    return [method(footage.frame(index), index).mask for index in range(len(footage))]


@pytest.mark.parametrize('name', BASELINES)
def test_a_method_gives_masks_and_leaves_the_bundle_alone(name, bundle, footage):
    before = {key: tensor.clone() for key, tensor in bundle.tensors.items()}
    for index in range(2):
        answer = made(name, bundle, footage)(footage.frame(index), index)
        assert answer.mask.shape == footage.label(index).shape and answer.mask.dtype == np.uint8
        assert answer.mask.max() < bundle.labels.num_classes and answer.forwards >= 1
    assert all(torch.equal(tensor, bundle.tensors[key]) for key, tensor in before.items())


@pytest.mark.parametrize('name', ['batchnorm_0.5', 'tent_1e-4', 'cotta', 'hamlet-always=true', 'supervised-steps=2'])
def test_a_method_repeats(name, bundle, footage):
    first, second = (masks(made(name, bundle, footage), footage) for _ in range(2))
    assert all(map(np.array_equal, first, second))


def test_frozen_is_the_engine(bundle, footage):
    engine = Engine(bundle)
    for index, mask in enumerate(masks(made('frozen', bundle, footage), footage)):
        assert np.array_equal(mask, engine(footage.frame(index)).mask)


def test_mixed_norms_are_the_sources_at_0_and_the_frames_at_1():
    torch.manual_seed(0)
    values = torch.randn(1, 5, 6, 7) * 3 + 1
    norm = nn.BatchNorm2d(5).eval()
    norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2)
    expected = {0.0: norm(values), 1.0: nn.functional.batch_norm(values, None, None, norm.weight, norm.bias, training=True)}
    network = nn.Sequential(norm)
    for share, wanted in expected.items():
        torch.testing.assert_close(mix_norms(network, share)(values), wanted)
        norm.__class__ = nn.BatchNorm2d
    mixed = mix_norms(network, 0.5)
    b, m0, v0 = 0.5, norm.running_mean, norm.running_var
    m, v = values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)
    mean, var = (1 - b) * m0 + b * m, (1 - b) * v0 + b * v + b * (1 - b) * (m - m0) ** 2
    wanted = (values - mean[:, None, None]) / (var[:, None, None] + norm.eps).sqrt()
    torch.testing.assert_close(mixed(values), wanted)
    assert torch.isfinite(mixed(values[..., :1, :1])).all()


def test_the_batchnorm_mix_forgets_after_every_frame(bundle, footage):
    method = made('batchnorm_0.5', bundle, footage)
    first = method(footage.frame(0), 0).mask
    method(footage.frame(3), 1)
    assert np.array_equal(method(footage.frame(0), 2).mask, first)


@pytest.mark.parametrize('name', LEARNING)
def test_what_learns_changes_its_weights_after_a_frame(name, bundle, footage):
    method = made(name, bundle, footage)
    network = method._learner.network
    start = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    for index in range(2):
        method(footage.frame(index), index)
    now = network.state_dict()
    assert any(not torch.equal(now[key], tensor) for key, tensor in start.items())
    assert all(torch.isfinite(tensor).all() for tensor in now.values() if tensor.is_floating_point())


def test_tent_changes_norms_alone(bundle, footage):
    method = made('tent_1e-3', bundle, footage)
    masks(method, footage)
    network = method._learner.network
    norms = {name for name, module in network.named_modules() if isinstance(module, MixedNorm)}
    changed = {key.rpartition('.')[0] for key, tensor in network.state_dict().items()
               if not torch.equal(tensor, bundle.tensors[key])}
    assert changed and changed <= norms


def test_rdumb_starts_anew_on_time(bundle, footage):
    method = RDumb(Setting(bundle), RDumb.Config(every=3, lr=0.1))
    first = method(footage.frame(0), 0).mask
    for index in (1, 2):
        method(footage.frame(index), index)
    assert np.array_equal(method(footage.frame(0), 3).mask, first)


def test_class_reset_starts_anew_when_classes_vanish(bundle, footage):
    method = ClassReset(Setting(bundle), ClassReset.Config(fewer=0.5, memory=0.0))
    network = method._learner.network
    with torch.no_grad():
        biases = [tensor for tensor in network.state_dict().values() if tensor.shape == (bundle.labels.num_classes,)]
        biases[-1][0] += 1e4  # of the class layer, which comes last
    answer = method(footage.frame(0), 0)
    assert len(np.unique(answer.mask)) == 1 and [kind for kind, _ in answer.events] == ['rollback']
    assert all(torch.equal(tensor, bundle.tensors[key]) for key, tensor in network.state_dict().items())


def test_hamlet_trains_after_a_shift_only(bundle, footage):
    method = Hamlet(Setting(bundle), Hamlet.Config(window=2, change=1e-3, steps=1, most=2))
    dark = Frame(np.zeros_like(footage.frame(0).image))
    calls = [footage.frame(0)] * 4 + [dark] * 6
    answers = [method(frame, index) for index, frame in enumerate(calls)]
    assert [answer.forwards > 2 for answer in answers[:5]] == [False] * 5
    assert answers[5].events[0][0] == 'shift' and answers[5].forwards > 2
    assert sum(answer.forwards > 2 for answer in answers) <= 2 * sum(len(answer.events) for answer in answers)


def test_hamlet_without_replay_says_so(tiny_bundle):
    from uda_seg_ros.bundle import Bundle
    with pytest.raises(StreamError, match='no replay memory'):
        choose('hamlet').make(Setting(Bundle.load(tiny_bundle)))


def test_supervised_learns_each_condition_and_leaves_the_clean_one(bundle, footage):
    method = choose('supervised-steps=3').make(Setting(bundle, other=footage))
    frozen = Learner(Setting(bundle))
    own = masks(method, footage)
    assert np.array_equal(own[0], frozen.segment(footage.frame(0)))
    assert not np.array_equal(own[2], frozen.segment(footage.frame(2)))


@pytest.mark.parametrize('text, attribute, value', [
    ('tent_1e-5', 'lr', 1e-5), ('tent_1e-3-lr=2e-4', 'lr', 2e-4), ('tent_1e-3-share=0.25-lr=0.5', 'share', 0.25),
    ('hamlet-no_keep', 'keep', 0.0), ('hamlet-always=true', 'always', True), ('rdumb_500', 'every', 500)])
def test_settings_change_by_name(text, attribute, value):
    assert getattr(choose(text).config, attribute) == value


@pytest.mark.parametrize('text, message', [
    ('tent_1e-2', "unknown method 'tent_1e-2'.*did you mean 'tent_1e-"), ('tent_1e-4-rl=1', "unknown key 'rl'"),
    ('tent_1e-4-lr=fast', 'expected float'), ('batchnorm_0.5-share=2', 'within 0 to 1')])
def test_a_method_that_is_not_there_is_said(text, message):
    with pytest.raises(StreamError, match=message):
        choose(text)


def test_tent_by_too_large_steps_collapses(bundle, footage):
    method = Tent(Setting(bundle), Tent.Config(lr=1.0))
    frozen = masks(made('frozen', bundle, footage), footage)
    last = [method(footage.frame(index % 4), index).mask for index in range(12)][-1]
    assert len(np.unique(last)) < len(np.unique(frozen[3]))

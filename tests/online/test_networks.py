"""Every kind of network adapts by what it has: BatchNorm's statistics where there are any, weights always."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.floor import Floor
from uda_seg_ros.online.following import measure
from uda_seg_ros.online.pictures import as_image
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Weights

from .conftest import NETWORKS, QUICK, clear, drive, foggy, made_bundle


@pytest.fixture(scope='module', params=NETWORKS)
def random_bundle(request):
    return made_bundle(request.param, steps=1)


def test_statistics_mix_and_a_step_learns_and_the_engine_takes_the_weights(random_bundle):
    adapter = Adapter(random_bundle, QUICK)
    drive(adapter, clear(5), pieces=8)
    assert adapter.course.state == 'idle'
    drive(adapter, foggy(4), 5, pieces=0)
    adapter.course.enter('adapt')
    for picture in adapter.memory.recent:
        measure(adapter, picture)
    mixed, source = adapter.floor.buffers(0.5), adapter.floor.buffers(0.0)
    assert adapter.floor.layers and mixed.keys() == source.keys() < random_bundle.tensors.keys()
    assert all(torch.equal(tensor, random_bundle.tensors[name]) for name, tensor in source.items())
    assert not any(torch.equal(tensor, source[name]) for name, tensor in mixed.items())
    adapter.learner.begin(1.0)
    adapter._train()
    adapter._train()
    assert adapter.learner.step == 2 and torch.isfinite(torch.tensor(adapter.loss))
    tensors = {**adapter.learner.parameters(), **mixed}
    assert any(not torch.equal(tensor, random_bundle.tensors[name]) for name, tensor in adapter.learner.parameters().items())
    Engine(random_bundle, device='cpu').load_weights(Weights(1, {**random_bundle.tensors, **tensors}))


def test_without_batch_norm_there_is_no_floor_and_nothing_breaks():
    floor = Floor(nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4)), 0.1)
    floor.measure(torch.zeros(1, 3, 8, 8), 0.5)
    assert (floor.buffers(0.5), floor.num_seen) == ({}, 0)


def test_the_mix_is_that_of_two_populations():
    """Share 0.25 of pixels around 3 with variance 4, the rest around 0 with variance 1."""
    norm = nn.BatchNorm2d(1).eval()
    floor = Floor(norm, 0.1)
    torch.manual_seed(0)
    target = 3 + 2 * torch.randn(1, 1, 200, 200)
    floor.measure(target, 0.25)
    found = floor.buffers(0.25)
    both = torch.cat([target.flatten(), torch.randn(3 * target.numel())])
    assert float(found['.running_mean']) == pytest.approx(float(both.mean()), abs=0.02)
    assert float(found['.running_var']) == pytest.approx(float(both.var()), rel=0.02)
    floor.restart()
    assert float(floor.buffers(0.25)['.running_mean']) == 0


def test_a_picture_becomes_an_image_in_0_to_1():
    image = as_image(clear(1)[0], torch.device('cpu'))
    assert image.shape == (1, 3, 64, 96) and 0 <= float(image.min()) < float(image.max()) <= 1


def test_what_a_file_held_on_the_cpu_comes_back_to_where_the_network_is():
    """The device 'meta' stands for a GPU."""
    norm, state = nn.BatchNorm2d(2), {'.running_mean': torch.ones(2)}
    floor = Floor(norm, 0.1)
    floor.measure(torch.ones(1, 2, 4, 4), 0.5)
    away = Floor(nn.BatchNorm2d(2, device='meta'), 0.1)
    away.load_state_dict(floor.state_dict())
    frozen = {'weight': away.network.weight, **away.network.state_dict(prefix='.')}
    served = Serving.of(Serving(1.0, 0.5, {'weight': torch.ones(2)}, state).state_dict(), frozen)
    found = {**away.buffers(0.5), **served.teacher, **served.buffers}
    assert len(found) == 3 and all(tensor.is_meta for tensor in found.values())

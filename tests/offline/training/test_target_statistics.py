"""At the end of a stage BatchNorm's statistics can be the target's alone."""

from __future__ import annotations

import pytest
import torch

from offline.load_recipe import to_recipe
from offline.methods.ours import Ours
from offline.samples import Batch
from offline.training.stages import train_recipe
from offline.training.target_statistics import take_target_statistics
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import build

from ..stand_in import small_recipe

pytestmark = pytest.mark.usefixtures('one_thread')
PREPROCESS = Preprocess(32, 64)


def method(**networks) -> Ours:
    return Ours({role: build('fast_scnn', 19, width=0.25) for role in networks or ('student', 'large')}, Ours.Config(),
                PREPROCESS)


def batches(level: float, count: int = 3) -> list[Batch]:
    """Target pictures around one brightness, source pictures that are black."""
    torch.manual_seed(0)
    return [Batch(torch.zeros(2, 3, 32, 64, dtype=torch.uint8), torch.zeros(2, 32, 64, dtype=torch.uint8),
                  (255 * (level + 0.1 * torch.rand(2, 3, 32, 64))).to(torch.uint8)) for _ in range(count)]


def first_mean(network) -> torch.Tensor:
    return next(module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)).running_mean


@torch.no_grad()
def test_the_first_layer_holds_the_mean_of_the_target_whatever_it_held_before():
    learner = method()
    for network in (learner.student, learner.networks['large'], learner.average.network):
        first_mean(network).fill_(1000.0)
    seen = batches(0.3)
    take_target_statistics(learner, seen)
    for network in (learner.student, learner.networks['large'], learner.average.network):
        convolution = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
        outputs = torch.cat([convolution(learner.normalise(batch.target_image.float() / 255)) for batch in seen])
        torch.testing.assert_close(first_mean(network), outputs.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)


def test_a_frozen_teacher_and_all_parameters_stay_as_they_are():
    learner = method(student=None, teacher=None)
    before = {name: tensor.clone() for name, tensor in learner.networks['teacher'].state_dict().items()}
    weights = [parameter.clone() for parameter in learner.parameters()]
    take_target_statistics(learner, batches(0.6))
    assert all(torch.equal(before[name], tensor) for name, tensor in learner.networks['teacher'].state_dict().items())
    assert all(map(torch.equal, weights, learner.parameters()))


def test_modes_and_momentums_are_as_before():
    learner = method()
    momentums = [module.momentum for module in learner.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    take_target_statistics(learner, batches(0.6))
    assert not any(module.training for module in learner.modules())
    assert momentums == [module.momentum for module in learner.modules() if isinstance(module, torch.nn.BatchNorm2d)]


def test_a_recipe_asks_for_them_by_stage_and_a_second_run_gets_the_same(tmp_path):
    def trained(folder, statistics):
        stages = [{'name': 'only', 'method': 'source_only', 'steps': 2, 'statistics': statistics}]
        run = train_recipe(to_recipe(small_recipe(stages=stages), 'small'), tmp_path / folder, device='cpu',
                           report=lambda line: None)
        return run.bundle().tensors
    plain, first, second = trained('plain', 'trained'), trained('first', 'target'), trained('second', 'target')
    assert all(torch.equal(first[name], second[name]) for name in first)
    differing = {name.rpartition('.')[2] for name in plain if not torch.equal(plain[name], first[name])}
    assert differing == {'running_mean', 'running_var', 'num_batches_tracked'}


def test_without_target_pictures_it_is_refused():
    stages = [{'name': 'only', 'method': 'source_only', 'steps': 2, 'statistics': 'target'}]
    written = small_recipe(stages=stages)
    del written['data']['target']
    with pytest.raises(ConfigError, match='statistics: target is estimated on target pictures'):
        to_recipe(written, 'small')

"""What a method learns lies in its tensors: a training that is taken up again ends exactly where an unbroken one does."""

from __future__ import annotations

import copy

import pytest
import torch

from offline.methods import Method
from offline.recipe import Optimiser, Schedule
from offline.training.distributed import World
from offline.training.trainer import Trainer

from .cases import CASES

pytestmark = pytest.mark.usefixtures('one_thread')


def trainer_of(method: Method) -> Trainer:
    return Trainer(method, 3, 0, Optimiser(lr=1e-3, clip=1.0), Optimiser(lr=1e-3), Schedule(2), World())


@pytest.mark.parametrize('name', CASES)
def test_a_resumed_training_ends_where_an_unbroken_one_does(name):
    case = CASES[name]
    unbroken, resumed = trainer_of(case.make(name)), trainer_of(case.make(name, seed=1))
    batch = case.batch(unbroken.method)
    unbroken.method.train()
    unbroken.train_step(batch)
    resumed.load_state_dict(copy.deepcopy(unbroken.state_dict()))
    resumed.method.train()
    for trainer in (unbroken, resumed):
        trainer.train_step(batch)
        trainer.train_step(batch)
        trainer.history.fetch()
    tensors = resumed.method.state_dict()
    different = [key for key, tensor in unbroken.method.state_dict().items() if not torch.equal(tensor, tensors[key])]
    assert different == []
    assert unbroken.step == resumed.step == 3

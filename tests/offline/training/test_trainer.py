"""The loop keeps its promises: what is optimised how, what a step draws, when it stops."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch

from offline.methods import Method
from offline.methods.dakd_adapt import DAKDAdapt
from offline.recipe import Optimiser, Schedule
from offline.samples import Batch
from offline.training.distributed import World
from offline.training.optimisers import PEAK, make_optimisers
from offline.training.schedule import rate_factor
from offline.training.trainer import Trainer
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import build

from ..stand_in import Plain, StandIn

PREPROCESS, CLASSES = Preprocess(32, 64), 5


def batch_of(step: int, size: int = 2) -> Batch:
    draw = torch.Generator().manual_seed(step)

    def image():
        return torch.randint(256, (size, 3, 32, 64), generator=draw, dtype=torch.uint8)

    def label():
        return torch.randint(CLASSES, (size, 32, 64), generator=draw, dtype=torch.uint8)
    return Batch(image(), label(), image(), label())


def make(network=None, steps: int = 6, optimiser: Optimiser = Optimiser(lr=1e-2), **config) -> Trainer:  # noqa: B008
    torch.manual_seed(0)
    network = network or build('fast_scnn', CLASSES, width=0.25)
    method = StandIn({'student': network}, StandIn.Config(**config), PREPROCESS)
    return Trainer(method, steps, 1, optimiser, Optimiser(lr=1e-3, head_factor=1.0), Schedule(2), World())


def fit(trainer: Trainer) -> Trainer:
    trainer.fit(batch_of(step) for step in range(trainer.step, trainer.steps))
    return trainer


def same(one: Trainer, other: Trainer) -> bool:
    ours, theirs = one.method.state_dict(), other.method.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_training_repeats_itself_and_resumes_exactly(one_thread):
    whole = fit(make())
    part = make()
    part.method.train()
    for step in range(3):
        part.train_step(batch_of(step))
    torch.rand(7)  # what else draws numbers must not matter
    state, part = copy.deepcopy(part.state_dict()), make()
    part.load_state_dict(state)
    assert part.step == 3
    assert same(fit(part), whole)
    assert not same(make(), whole)


def test_it_learns():
    trainer = make(Plain(CLASSES), steps=30, optimiser=Optimiser(lr=1e-2, clip=1.0))
    batch, losses = batch_of(0), []
    batch = dataclasses.replace(batch, source_label=torch.where(batch.source_image[:, 0] > 128, 1, 2).to(torch.uint8))
    for _ in range(trainer.steps):
        trainer.train_step(batch)
        losses.append(trainer.history.fetch()['source'])
    assert losses[-1] < losses[0] - 0.3


def test_heads_are_faster_and_vectors_do_not_decay():
    method = make().method
    optimisers = make_optimisers(method, {'main': Optimiser(lr=1.0, head_factor=10.0, weight_decay=0.5),
                                          'discriminator': Optimiser(lr=3.0, head_factor=10.0, weight_decay=0.5)})
    where = {id(parameter): (group[PEAK], group['weight_decay']) for optimiser in optimisers.values()
             for group in optimiser.param_groups for parameter in group['params']}
    named = dict(method.named_parameters())

    def of(name):
        return where.get(id(named[name]))
    encoder, head = 'networks.student.coarse.9.merge.0.weight', 'networks.student.classifier.3.weight'
    assert of(encoder) == (1.0, 0.5) and of(head) == (10.0, 0.5)
    assert of(head.replace('weight', 'bias')) == (10.0, 0.0)
    assert of('discriminator.weight') == (3.0, 0.5) and of('discriminator.bias') == (3.0, 0.0)
    assert of('teacher.network.classifier.3.weight') is None
    assert len(optimisers) == 2


def test_an_inner_head_learns_as_fast_as_a_head():
    method = DAKDAdapt({'student': build('fast_scnn', CLASSES, width=0.25)}, DAKDAdapt.Config(), PREPROCESS)
    optimiser = make_optimisers(method, {'main': Optimiser('sgd', 1.0, 7.0), 'discriminator': Optimiser()})['main']
    peaks = {id(parameter): group[PEAK] for group in optimiser.param_groups for parameter in group['params']}
    assert {peaks[id(parameter)] for parameter in method.student_auxiliary.parameters()} == {7.0}
    assert {peaks[id(parameter)] for parameter in method.student.parameters()} == {1.0, 7.0}


@pytest.mark.parametrize('name, kind', [('sgd', torch.optim.SGD), ('adamw', torch.optim.AdamW)])
def test_the_recipe_names_the_optimiser(name, kind):
    trainer = make(optimiser=Optimiser(name, momentum=0.7, betas=(0.5, 0.6)))
    main = trainer.optimisers['main']
    assert isinstance(main, kind)
    assert main.defaults.get('momentum', 0.7) == 0.7 and main.defaults.get('betas', (0.5, 0.6)) == (0.5, 0.6)


def test_the_rate_rises_and_falls():
    schedule = Schedule(warmup=10, power=2.0)
    factors = [rate_factor(step, 100, schedule) for step in range(101)]
    assert 0 < factors[0] < 1e-5
    assert factors[10] == pytest.approx(0.9 ** 2) and factors[100] == 0
    assert factors[:11] == sorted(factors[:11]) and factors[10:] == sorted(factors[10:], reverse=True)
    assert rate_factor(1, 2, Schedule(warmup=1500)) < 1e-3  # a stage shorter than its warm-up


def test_each_step_has_its_own_rate_and_a_method_in_train_mode_whose_teacher_is_in_eval_mode(monkeypatch):
    trainer, seen, forward = make(steps=4), [], StandIn.forward
    trainer.method.eval()

    def watched(method, batch, step):
        modes = [module.training for module in (method, method.student, method.teacher.network)]
        seen.append((modes, [group['lr'] / group[PEAK] for group in trainer.optimisers['main'].param_groups]))
        return forward(method, batch, step)
    monkeypatch.setattr(StandIn, 'forward', watched)
    fit(trainer)
    assert [modes for modes, _ in seen] == [[True, True, False]] * 4
    for step, (_, rates) in enumerate(seen):
        assert rates == pytest.approx([rate_factor(step, 4, Schedule(2))] * len(rates))


def test_each_rank_draws_its_own_noise():
    noise = []
    for rank in (0, 1, 0):
        trainer = make()
        trainer.world = World(rank)
        trainer.method.train()
        trainer.train_step(batch_of(0))
        noise.append(trainer.method.watch['noisy_image'])
    assert torch.equal(noise[0], noise[2]) and not torch.equal(noise[0], noise[1])


def test_clipping_bounds_the_step():
    free, clipped = (make(Plain(CLASSES), optimiser=Optimiser('sgd', 1.0, momentum=0.0, weight_decay=0.0, clip=clip))
                     for clip in (None, 1e-3))
    moved = []
    for trainer in (free, clipped):
        before = [parameter.detach().clone() for parameter in trainer.method.student.parameters()]
        trainer.train_step(batch_of(0))
        trainer.train_step(batch_of(1))
        moved.append(sum((new - old).square().sum() for new, old in zip(trainer.method.student.parameters(), before)).sqrt())
    assert moved[1] <= 2 * 10 * 1e-3 < moved[0]  # two steps, heads ten times as fast


def test_a_step_hands_over_what_the_loop_promises():
    class Asks(Method):
        seen: list = []  # noqa: RUF012

        def forward(self, batch, step):
            assert self.training and batch.source_image.dtype == torch.float32 and batch.source_image.max() <= 1
            assert batch.source_label.dtype == torch.int64
            self.seen.append(('forward', step, float(torch.rand(1))))
            return {'a': self.student(batch.source_image).square().mean()}

        def after_step(self, step):
            self.seen.append(('after', step))
    trainer = Trainer(Asks({'student': Plain(CLASSES)}, Asks.Config(), PREPROCESS), 2, 0, Optimiser(), Optimiser(),
                      Schedule(), World())
    fit(trainer)
    assert [entry[:2] for entry in Asks.seen] == [('forward', 0), ('after', 0), ('forward', 1), ('after', 1)]
    assert Asks.seen[0][2] != Asks.seen[2][2]


def test_losses_that_are_not_finite_are_told_with_step_and_name():
    trainer = make(explode_at=4)
    with pytest.raises(RuntimeError, match='step 4: target is inf'):
        fit(trainer).history.fetch()


@pytest.mark.gpu
def test_a_step_never_waits_for_the_device():
    method = StandIn({'student': build('fast_scnn', CLASSES)}, StandIn.Config(), PREPROCESS)
    device = torch.device('cuda')
    trainer = Trainer(method, 9, 1, Optimiser(clip=1.0), Optimiser(), Schedule(2), World(device=device))
    trainer.method.train()
    batches = [batch_of(step).pin_memory() for step in range(6)]
    for batch in batches[:3]:
        trainer.train_step(batch)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('error')
    try:
        for batch in batches[3:]:
            trainer.train_step(batch)
    finally:
        torch.cuda.set_sync_debug_mode('default')

"""What every method of the table promises to trainer, recipe and vehicle."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from offline.methods import METHODS, Method
from offline.methods.base import FROZEN, TRAINED
from offline.samples import Batch
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.ema import EMATeacher
from uda_seg_ros.self_training.losses import cross_entropy

from .cases import CASES, CLASSES, HEIGHT, WIDTH

STEPS = 12


def optimisers_of(method: Method) -> list[torch.optim.Optimizer]:
    """One for each name in the parameter groups."""
    groups = method.param_groups()
    return [torch.optim.Adam([p for group in groups if group['optimiser'] == name for _, p in group['params']], 3e-3)
            for name in dict.fromkeys(group['optimiser'] for group in groups)]


def take_step(method: Method, optimisers: list[torch.optim.Optimizer], batch: Batch, step: int) -> dict[str, float]:
    """As the trainer does it: one backward for the sum of all losses."""
    torch.manual_seed(1000 + step)
    losses = method(batch, step)
    for optimiser in optimisers:
        optimiser.zero_grad()
    sum(losses.values()).backward()
    for optimiser in optimisers:
        optimiser.step()
    method.after_step(step)
    return {name: loss.item() for name, loss in losses.items()}


def roles(method: Method) -> dict[str, str]:
    return {**method.ROLES, **method.OPTIONAL}


def teachers(method: Method) -> list[torch.nn.Module]:
    """Frozen networks, and the moving averages."""
    frozen = [network for role, network in method.networks.items() if roles(method).get(role) == FROZEN]
    return frozen + [module for module in method.modules() if isinstance(module, EMATeacher)]


def frozen_tensors(method: Method) -> dict[str, torch.Tensor]:
    return {f'{role}.{key}': tensor.clone() for role, kind in roles(method).items()
            if kind == FROZEN and role in method.networks
            for key, tensor in method.networks[role].state_dict().items()}


@torch.no_grad()
def source_loss(method: Method, batch: Batch) -> float:
    """CE of the student on the batch's source, from the batch's own statistics; asked of a copy, which they change."""
    student = copy.deepcopy(method.student)
    logits = student(method.normalise(batch.source_image), (HEIGHT, WIDTH))
    return cross_entropy(logits, batch.source_label, normalise='valid').item()


@dataclass
class Run:
    """A short training on one batch, and what was seen on the way."""

    method: Method
    losses: list[dict[str, float]]
    source: tuple[float, float]
    frozen: tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]
    reached: set[str]


@pytest.fixture(scope='module', params=CASES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope='module')
def run(name) -> Run:
    torch.set_num_threads(1)
    method = CASES[name].make(name)
    batch, optimisers = CASES[name].batch(method), optimisers_of(method)
    before, frozen, reached, losses = source_loss(method, batch), frozen_tensors(method), set(), []
    for step in range(STEPS):
        losses.append(take_step(method, optimisers, batch, step))
        if step < 2:
            reached |= {key for key, p in method.named_parameters() if p.grad is not None and p.grad.isfinite().all()}
    return Run(method, losses, (before, source_loss(method, batch)), (frozen, frozen_tensors(method)), reached)


def test_cases_are_the_table():
    assert {name.partition('/')[0] for name in CASES} == set(METHODS)


def test_losses_are_named_finite_and_always_the_same_ones(run):
    for losses in run.losses:
        assert losses and all(isinstance(name, str) and name for name in losses)
        assert torch.tensor(list(losses.values())).isfinite().all(), losses
    assert len({tuple(losses) for losses in run.losses}) == 1


def test_each_loss_is_a_scalar_in_float32(name, run):
    for loss in run.method(CASES[name].batch(run.method), STEPS).values():
        assert loss.shape == () and loss.dtype == torch.float32


def test_what_it_shows_is_detached_and_has_the_shape_of_a_picture_or_label(run):
    for key, tensor in run.method.watch.items():
        assert not tensor.requires_grad, key
        assert tensor.shape[-2:] == (HEIGHT, WIDTH) and tensor.ndim in (3, 4), key
        if tensor.ndim == 4 and tensor.shape[1] != run.method.num_classes:  # those are logits
            assert tensor.shape[1] == 3 and tensor.min() >= 0 and tensor.max() <= 1, key


def test_two_steps_bring_a_finite_gradient_to_every_parameter_that_is_trained(run):
    trained = {key for key, parameter in run.method.named_parameters() if parameter.requires_grad}
    assert trained and trained == run.reached


def test_the_groups_hold_every_trained_parameter_once(run):
    held = [parameter for group in run.method.param_groups() for _, parameter in group['params']]
    trained = [parameter for parameter in run.method.parameters() if parameter.requires_grad]
    assert sorted(map(id, held)) == sorted(map(id, trained))
    assert {group['optimiser'] for group in run.method.param_groups()} <= {'main', 'discriminator'}


def test_frozen_networks_stay_bit_identical(run):
    before, after = run.frozen
    assert before.keys() == after.keys()
    assert [key for key in before if not torch.equal(before[key], after[key])] == []


def test_no_gradient_reaches_a_teacher(run):
    for teacher in teachers(run.method):
        assert not teacher.training
        training = [module for module in teacher.modules() if module.training]
        assert all(getattr(module, 'momentum', None) == 0 for module in training)  # BatchNorm of the batch, see ema.Average
        assert all(not parameter.requires_grad and parameter.grad is None for parameter in teacher.parameters())


def test_the_student_learns_the_source(name, run):
    if not CASES[name].source:
        pytest.skip('does not learn from source labels')
    before, after = run.source
    assert after < 0.8 * before


def test_the_networks_are_the_roles_it_tells(name, run):
    assert set(run.method.ROLES) <= set(run.method.networks) <= set(roles(run.method))
    assert set(roles(run.method).values()) <= {TRAINED, FROZEN}
    assert run.method.ROLES['student'] == (FROZEN if name == 'diga_translator' else TRAINED)
    assert set(run.method.networks) <= set(run.method.parts())
    assert run.method.network().num_classes == CLASSES


def test_a_source_without_any_label_gives_finite_losses_and_gradients(name):
    method = CASES[name].make(name)
    batch = CASES[name].batch(method)
    batch = replace(batch, source_label=torch.full_like(batch.source_label, IGNORE))
    for step in range(2):
        losses = method(batch, step)
        assert all(loss.isfinite() for loss in losses.values()), losses
        sum(losses.values()).backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in method.parameters())


def test_a_run_continued_from_its_state_gives_the_same_losses(name, run):
    """The same seed gives the same run, and the state holds all of a method that a step depends on."""
    first = CASES[name].make(name)
    batch, optimisers = CASES[name].batch(first), optimisers_of(first)
    losses = [take_step(first, optimisers, batch, step) for step in range(2)]
    second = CASES[name].make(name, seed=5)
    second.load_state_dict(first.state_dict())
    continued = optimisers_of(second)
    for new, old in zip(continued, optimisers):
        new.load_state_dict(old.state_dict())
    losses += [take_step(second, continued, batch, step) for step in range(2, 4)]
    assert losses == run.losses[:4]


def test_bfloat16_autocast_gives_finite_losses_and_every_gradient(name):
    method = CASES[name].make(name)
    batch = CASES[name].batch(method)
    for step in range(2):
        with torch.autocast('cpu', torch.bfloat16):
            losses = method(batch, step)
        assert all(loss.isfinite() for loss in losses.values()), losses
        assert {name: loss.dtype for name, loss in losses.items()} == dict.fromkeys(losses, torch.float32)
        sum(losses.values()).backward()
    missing = [key for key, p in method.named_parameters() if p.requires_grad and p.grad is None]
    assert missing == []


class NoReading(TorchDispatchMode):
    """Refuses what makes the host wait for the device: reading a value, or a result whose size depends on values."""

    SIZED_BY_VALUES = ('nonzero', '_unique', 'unique_', 'masked_select', 'repeat_interleave.Tensor', 'bincount')

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        called = str(function).removeprefix('aten.')
        by_mask = called.startswith('index.') and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
        if called.startswith(('_local_scalar_dense', 'equal.', 'is_nonzero', *self.SIZED_BY_VALUES)) or by_mask:
            raise AssertionError(f'{called} makes the host wait for the device')
        return function(*args, **(kwargs or {}))


def test_the_host_never_waits_for_the_device(name, monkeypatch):
    # On the CPU, and there alone, torch's one_hot looks whether a value is below 0.
    monkeypatch.setattr(functional, 'one_hot', lambda label, num_classes: label.new_zeros(
        *label.shape, num_classes).scatter_(-1, label[..., None], 1))
    method = CASES[name].make(name)
    batch = CASES[name].batch(method)
    for step in (0, 1):
        with NoReading():
            losses = method(batch, step)
        assert losses


@pytest.mark.gpu
def test_the_host_never_waits_for_the_gpu(name):
    method = CASES[name].make(name)
    batch = CASES[name].batch(method).to(torch.device('cuda'))
    method.cuda()
    method(batch, 0)
    torch.cuda.synchronize()
    with refusing_to_wait():
        method(batch, 1)


@contextlib.contextmanager
def refusing_to_wait():
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('reading', [
    lambda x: x.sum().item(), lambda x: float(x.max()), lambda x: x[x > 0], lambda x: x.unique(),
    lambda x: (x > 0).nonzero(), lambda x: 1 if x.any() else 0])
def test_a_planted_reading_is_refused(reading):
    with pytest.raises(AssertionError, match='wait'), NoReading():
        reading(torch.rand(4))

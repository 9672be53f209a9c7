"""The acceptance tests of DUDA: its three networks and its refinement."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from offline.methods.duda import DUDA
from offline.methods.duda_refine import DUDARefine
from offline.samples import Batch
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import from_mapping
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import build
from uda_seg_ros.self_training.losses import cross_entropy, kl

CLASSES = 5
TRANSFORMER = {'name': 'segformer', 'channels': [8, 8, 16, 16], 'depths': [1, 1, 1, 1], 'heads': [1, 1, 2, 2],
               'head': 'fuse', 'width': 16}
CNN = {'name': 'fast_scnn', 'width': 0.25}
OTHERS = {DUDA: ('large',), DUDARefine: ('teacher',)}


def make(method, *others, student=CNN, other=TRANSFORMER, seed=0, **config):
    torch.manual_seed(seed)
    networks = {'student': build(num_classes=CLASSES, **student)}
    networks |= {role: build(num_classes=CLASSES, **other) for role in (others or OTHERS[method])}
    return method(networks, from_mapping(method.Config, config, 'test'), Preprocess(32, 64)).train()


@pytest.fixture
def batch():
    torch.manual_seed(1)
    label = torch.randint(CLASSES, (2, 32, 64))
    label[:, :4] = IGNORE
    return Batch(torch.rand(2, 3, 32, 64), label, torch.rand(2, 3, 32, 64))


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(method, batch, steps, first=0) -> list[dict[str, float]]:
    log = []
    groups = [parameter for group in method.param_groups() for _, parameter in group['params']]
    optimiser = torch.optim.AdamW(groups, 1e-3)
    for step in range(first, first + steps):
        losses = method(batch, step)
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
        log.append({name: float(loss.detach()) for name, loss in losses.items()})
    return log


def state(network) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(network, tensors) -> bool:
    return all(torch.equal(tensor, tensors[name]) for name, tensor in network.state_dict().items())


def test_the_teacher_starts_as_the_large_student_and_follows_it(batch):
    method = make(DUDA)
    with torch.no_grad():
        for parameter in method.teacher.parameters():
            parameter.add_(1.0)
    method(batch, 0)
    assert all(torch.equal(t, s) for t, s in zip(method.teacher.network.parameters(), method.networks['large'].parameters()))


@pytest.mark.parametrize('step, alpha', [(9, 0.9), (999, 0.999), (100_000, 0.999)])
def test_it_keeps_this_share_of_itself(batch, step, alpha):
    method = make(DUDA)
    with torch.no_grad():
        for parameter in method.teacher.parameters():
            parameter.fill_(1.0)
        for parameter in method.networks['large'].parameters():
            parameter.fill_(2.0)
    method(batch, step)
    for parameter in method.teacher.parameters():
        assert torch.allclose(parameter, torch.tensor(2 - alpha))


def test_the_small_student_never_moves_the_teacher(batch):
    first, second = make(DUDA), make(DUDA)
    with torch.no_grad():
        for parameter in second.student.parameters():
            parameter.mul_(1.5)
    for method in (first, second):
        torch.manual_seed(3)
        run(method, batch, 2)
    assert same(first.teacher.network, state(second.teacher.network))
    assert not same(first.student, state(second.student))


def test_the_teacher_gets_no_gradient_and_looks_once_a_step(batch):
    method = make(DUDA, masked={'weight': 1.0, 'block': 8})
    calls = []
    method.teacher.network.register_forward_hook(lambda *_: calls.append(1))
    run(method, batch, 3)
    assert len(calls) == 3
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in method.teacher.parameters())


@pytest.mark.parametrize('learner, other', [('large', 'student'), ('student', 'large')])
def test_the_two_students_losses_are_disjoint(batch, learner, other):
    method = make(DUDA, masked={'weight': 1.0, 'block': 8}, feature_distance=0.005, thing_classes=(0, 1))
    losses = method(batch, 0)
    assert {name.rpartition('_')[0] for name in losses} == {'source', 'mixed', 'masked', 'feature'}
    own = [loss for name, loss in losses.items() if name.endswith(learner)]
    torch.stack(own).sum().backward()
    assert all(parameter.grad is None for parameter in method.networks[other].parameters())
    assert all(parameter.grad is not None for parameter in method.networks[learner].parameters())


STILL = {**CNN, 'dropout': 0.0}


def seen_by(method, role: str, image: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return method.networks[role](method.normalise(image), (32, 64))


def half_confident(kind, batch, **config):
    """The method with a threshold that half of the target's pixels reach."""
    with torch.no_grad():
        first = make(kind, **config)
        logits = first.parts()['teacher'](first.normalise(batch.target_image), (32, 64))
    return make(kind, threshold=logits.softmax(1).amax(1).median().item(), **config)


def test_both_students_get_ce_on_source_and_weighted_ce_on_the_mixed_image_each_at_weight_1(batch):
    method = half_confident(DUDA, batch, student=STILL, other=STILL, feature_distance=0.5,
                            thing_classes=tuple(range(CLASSES)))
    patches = torch.tensor([[[0, 1]], [[2, 3]]])  # of 32x32 pixels: each fills a cell of the features
    batch = Batch(batch.source_image, patches.repeat_interleave(32, 1).repeat_interleave(32, 2), batch.target_image)
    with torch.no_grad():
        for parameter in method.first.parameters():  # as if training had led away from the first weights
            parameter.mul_(1.1)
    torch.manual_seed(0)
    losses, seen = method(batch, 0), method.watch
    assert 0 < seen['pixel_weight'].min() < 1
    expected = {}
    for role in ('large', 'student'):
        expected[f'source_{role}'] = cross_entropy(seen_by(method, role, batch.source_image), batch.source_label)
        expected[f'mixed_{role}'] = cross_entropy(seen_by(method, role, seen['mixed_image']), seen['mixed_label'],
                                                  seen['pixel_weight'])
    source = method.normalise(batch.source_image)
    distance = method.first(method.networks['large'].forward_features(source), source, batch.source_label)
    expected['feature_distance'] = 0.5 * distance
    assert distance > 0
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        {name: loss.item() for name, loss in expected.items()}, rel=1e-4)


def test_refinement_goes_on_with_ce_on_source_and_weighted_ce_on_the_mixed_image(batch):
    method = half_confident(DUDARefine, batch, student=STILL)
    losses, seen = method(batch, 0), method.watch
    assert 0 < seen['pixel_weight'].min() < 1
    source, mixed = (seen_by(method, 'student', image) for image in (batch.source_image, seen['mixed_image']))
    assert losses['source'].item() == pytest.approx(cross_entropy(source, batch.source_label).item(), rel=1e-4)
    weighted = cross_entropy(mixed, seen['mixed_label'], seen['pixel_weight'])
    assert losses['mixed'].item() == pytest.approx(weighted.item(), rel=1e-4)


@pytest.mark.parametrize('kind', [DUDA, DUDARefine])
def test_pasted_pixels_weigh_1_and_the_others_the_share_of_confident_ones(batch, kind):
    method = make(kind, threshold=0.3)
    method(batch, 0)
    pasted = method.watch['mixed_label'] != method.watch['pseudo_label']
    weight = method.watch['pixel_weight']
    assert pasted.any() and (weight[pasted] == 1).all()
    others = weight[weight != 1].unique()
    assert len(others) <= 1 and (others >= 0).all() and (others < 1).all()


@pytest.mark.parametrize('kind', [DUDA, DUDARefine])
@pytest.mark.parametrize('student, other', [(CNN, TRANSFORMER), (TRANSFORMER, CNN), (CNN, CNN)])
def test_networks_of_any_two_kinds_train(batch, kind, student, other):
    method = make(kind, student=student, other=other)
    with torch.no_grad():
        method.eval().prepare([batch.target_image])
    method.train()
    before = state(method.student)
    log = run(method, batch, 2)
    assert all(math.isfinite(loss) for losses in log for loss in losses.values()) and not same(method.student, before)


def test_refinement_leaves_every_tensor_of_every_teacher_as_it_was(batch):
    method = make(DUDARefine, 'teacher', 'teacher_2', 'teacher_3', recompute=2)
    roles = ('teacher', 'teacher_2', 'teacher_3')
    before = {role: state(method.networks[role]) for role in roles}
    run(method, batch, 3)
    assert all(same(method.networks[role], before[role]) and not method.networks[role].training for role in roles)
    assert all(parameter.grad is None for role in roles for parameter in method.networks[role].parameters())


def test_with_all_weights_1_the_inconsistency_loss_is_the_mean_kl(batch):
    method = make(DUDARefine, student={**CNN, 'dropout': 0.0}, weighting={'kind': 'none'}, inconsistency=0.7)
    loss = method(batch, 0)['inconsistency']
    image = method.normalise(batch.target_image)
    with torch.no_grad():
        teacher, student = method.networks['teacher'](image, (32, 64)), method.student(image, (32, 64))
    assert torch.allclose(loss, 0.7 * kl(teacher, student), rtol=1e-4)


def test_classes_weigh_as_their_weights_say(batch):
    method = make(DUDARefine, student={**CNN, 'dropout': 0.0})
    method.inconsistency.weight.copy_(torch.arange(CLASSES) / 2)
    loss = method(batch, 0)['inconsistency']
    image = method.normalise(batch.target_image)
    with torch.no_grad():
        p, q = (network(image, (32, 64)).softmax(1) for network in (method.networks['teacher'], method.student))
    expected = ((p.argmax(1) / 2) * (p * (p / q).log()).sum(1)).mean()
    assert torch.allclose(loss, expected, rtol=1e-4)


def test_a_student_equal_to_its_teacher_has_no_inconsistency(batch):
    method = make(DUDARefine, student=TRANSFORMER)
    method.student.load_state_dict(method.networks['teacher'].state_dict())
    with torch.no_grad():
        method.eval().prepare([batch.target_image])
        assert torch.allclose(method.inconsistency.weight, torch.ones(CLASSES))
        assert method(batch, 0)['inconsistency'].abs() < 1e-6


def test_weights_come_from_the_whole_target_set(batch):
    torch.manual_seed(0)
    images = [torch.rand(1, 3, 32, 64) for _ in range(3)]
    method = make(DUDARefine)
    whole, last = (make(DUDARefine) for _ in range(2))
    with torch.no_grad():
        for each, target in ((method, images), (whole, [torch.cat(images)]), (last, images[2:])):
            each.eval().prepare(target)
    assert torch.allclose(method.inconsistency.weight, whole.inconsistency.weight)
    assert not torch.allclose(method.inconsistency.weight, last.inconsistency.weight)


def test_weights_are_made_anew_only_if_asked(batch):
    changed = {}
    for recompute in (0, 2):
        method = make(DUDARefine, recompute=recompute)
        with torch.no_grad():
            method.eval().prepare([torch.rand(1, 3, 32, 64)])
        before = method.train().inconsistency.weight.clone()
        run(method, batch, 2)
        assert torch.equal(method.inconsistency.weight, before)
        run(method, batch, 1, first=2)
        changed[recompute] = not torch.equal(method.inconsistency.weight, before)
    assert changed == {0: False, 2: True}


def test_several_teachers_teach_their_mean_probs(batch):
    method = make(DUDARefine, 'teacher', 'teacher_2')
    with torch.no_grad():
        image = method.normalise(batch.target_image)
        first, second = (method.networks[role](image, (32, 64)).softmax(1) for role in ('teacher', 'teacher_2'))
        assert torch.allclose(method._teach(batch.target_image).softmax(1), (first + second) / 2, atol=1e-6)
    assert not torch.allclose(first, second, atol=1e-3)
    method(batch, 0)
    assert torch.equal(method.watch['pseudo_label'], (first + second).argmax(1))


@pytest.mark.parametrize('kind', [DUDA, DUDARefine])
def test_the_small_student_alone_goes_to_the_vehicle(batch, kind):
    method = make(kind)
    run(method, batch, 1)
    fresh = build(num_classes=CLASSES, **CNN)
    fresh.load_state_dict(method.network().state_dict(), strict=True)
    assert functional.softmax(fresh.eval()(batch.target_image), 1).isfinite().all()


def test_the_second_stage_starts_from_parts_of_the_first(batch):
    first, second = make(DUDA), make(DUDARefine, seed=5)
    run(first, batch, 2)
    for name in ('student', 'teacher'):
        second.parts()[name].load_state_dict(first.parts()[name].state_dict(), strict=True)
    assert same(second.networks['teacher'], state(first.teacher.network))
    assert set(first.parts()) == {'student', 'large', 'teacher'}

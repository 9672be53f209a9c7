"""Losses against their definitions, written out and differentiated by autograd."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.losses import cross_entropy, kl, kl_map, ohem_cross_entropy, soft_cross_entropy

C = 19


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def logits(scale: float = 3.0) -> torch.Tensor:
    return (scale * torch.randn(2, C, 6, 8, dtype=torch.float32)).requires_grad_()


def labels(ignored: float = 0.3) -> torch.Tensor:
    label = torch.randint(C, (2, 6, 8))
    return label.masked_fill(torch.rand(2, 6, 8) < ignored, IGNORE)


def gradient(loss: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss, of)[0]


def same_with_gradient(actual, expected, of: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradient(actual, of), gradient(expected, of), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize('normalise', ['all_pixels', 'valid'])
@pytest.mark.parametrize('weighted', [False, True])
def test_cross_entropy_is_its_definition(normalise, weighted):
    student, label = logits(), labels()
    weight = torch.rand(2, 6, 8) if weighted else torch.ones(2, 6, 8)
    valid = label != IGNORE
    each = -student.log_softmax(1).gather(1, label.where(valid, 0)[:, None])[:, 0] * valid * weight
    expected = each.sum() / (label.numel() if normalise == 'all_pixels' else valid.sum())
    same_with_gradient(cross_entropy(student, label, weight if weighted else None, normalise), expected, student)


def test_one_weight_of_an_image_serves_all_its_pixels():
    student, label, share = logits(), labels(), torch.tensor([0.2, 0.7]).view(2, 1, 1)
    torch.testing.assert_close(cross_entropy(student, label, share), cross_entropy(student, label, share.expand(2, 6, 8)))


def test_pixels_left_out_lower_the_loss_unless_it_is_of_the_valid_ones():
    student, label = logits(), labels(0)
    half = label.clone()
    half[:, :, ::2] = IGNORE
    same = student.detach()[:, :, :, 1::2], label[:, :, 1::2]
    torch.testing.assert_close(cross_entropy(student, half), cross_entropy(*same) / 2)
    torch.testing.assert_close(cross_entropy(student, half, normalise='valid'), cross_entropy(*same))


def test_kl_is_zero_for_equal_networks_and_so_is_its_gradient():
    student = logits()
    for temperature in (0.5, 1.0, 4.0):
        loss = kl(student, student, temperature)
        assert loss.item() == pytest.approx(0, abs=1e-6)
        assert gradient(loss, student).abs().max() < 1e-7


@pytest.mark.parametrize('scale', [0.1, 3, 50])
def test_kl_is_never_negative(scale):
    assert (kl_map(logits(scale), logits(scale)) >= -1e-5).all()


@pytest.mark.parametrize('temperature', [0.5, 1.0, 2.0])
def test_kl_is_its_definition_teacher_first_times_the_square_of_the_temperature(temperature):
    teacher, student = logits().detach(), logits()
    p, q = ((each / temperature).softmax(1) for each in (teacher, student))
    expected = (p * (p.log() - q.log())).sum(1).mean() * temperature ** 2
    same_with_gradient(kl(teacher, student, temperature), expected, student)


def test_kl_of_a_pixel_is_the_number_of_classes_times_the_mean_over_elements():
    teacher, student = logits(), logits()
    elements = functional.kl_div(student.log_softmax(1), teacher.log_softmax(1), log_target=True, reduction='none')
    torch.testing.assert_close(kl(teacher, student), C * elements.mean())


def test_kl_weights_pixels():
    teacher, student, weight = logits(), logits(), torch.rand(2, 6, 8)
    torch.testing.assert_close(kl(teacher, student, pixel_weight=weight), (kl_map(teacher, student) * weight).mean())


def test_free_logits_trained_by_kl_alone_agree_with_the_teacher_everywhere():
    teacher, student = logits().detach(), logits()
    optimiser = torch.optim.Adam([student], 0.1)
    for _ in range(600):
        optimiser.zero_grad()
        kl(teacher, student).backward()
        optimiser.step()
    assert torch.equal(student.argmax(1), teacher.argmax(1)) and kl(teacher, student) < 1e-3


@pytest.mark.parametrize('loss', [
    kl, lambda teacher, student: soft_cross_entropy(teacher.softmax(1), student)], ids=['kl', 'soft'])
def test_the_teacher_never_gets_a_gradient(loss):
    teacher, student = logits(), logits()
    loss(teacher, student).backward()
    assert teacher.grad is None and student.grad is not None


def test_soft_cross_entropy_of_a_one_hot_map_is_the_cross_entropy():
    student, label = logits(), labels()
    valid = label != IGNORE
    probs = functional.one_hot(label.where(valid, 0), C).movedim(3, 1).float()
    same_with_gradient(soft_cross_entropy(probs, student, valid), cross_entropy(student, label, normalise='valid'), student)


def test_soft_cross_entropy_is_kl_plus_the_teachers_entropy():
    teacher, student = logits().detach(), logits()
    p = teacher.softmax(1)
    entropy = -(p * teacher.log_softmax(1)).sum(1).mean()
    same_with_gradient(soft_cross_entropy(p, student), kl(teacher, student) + entropy, student)


def test_soft_cross_entropy_of_a_smoothed_label_is_the_mixture_of_both():
    teacher, student, label = logits().detach().softmax(1), logits(), labels(0)
    smoothed = 0.8 * functional.one_hot(label, C).movedim(3, 1) + 0.2 * teacher
    expected = 0.8 * cross_entropy(student, label) + 0.2 * soft_cross_entropy(teacher, student)
    same_with_gradient(soft_cross_entropy(smoothed, student), expected, student)


@pytest.mark.parametrize('fewest', [1, 20, 60, 10 ** 6])
@pytest.mark.parametrize('threshold', [0.05, 0.7])
def test_ohem_is_the_mean_over_the_hard_pixels(fewest, threshold):
    student, label = logits(), labels()
    valid = label != IGNORE
    probability = student.softmax(1).gather(1, label.where(valid, 0)[:, None])[:, 0][valid]
    ordered = probability.detach().sort().values
    bound = max(threshold, ordered[min(fewest, len(ordered)) - 1].item())
    hard = probability[probability.detach() <= bound + 1e-7]
    same_with_gradient(ohem_cross_entropy(student, label, threshold, fewest), -hard.log().mean(), student)
    assert len(hard) >= min(fewest, len(ordered))


LABELLED = {'cross_entropy': cross_entropy, 'of the valid': lambda z, y: cross_entropy(z, y, normalise='valid'),
            'weighted': lambda z, y: cross_entropy(z, y, torch.rand(2, 6, 8), 'valid'), 'ohem': ohem_cross_entropy,
            'ohem of few': lambda z, y: ohem_cross_entropy(z, y, 0.7, 5),
            'soft': lambda z, y: soft_cross_entropy(z.detach().softmax(1), z, y != IGNORE)}


@pytest.mark.parametrize('name', LABELLED)
def test_nothing_but_ignore_gives_0_and_a_gradient_of_0(name):
    student = logits()
    loss = LABELLED[name](student, torch.full((2, 6, 8), IGNORE))
    assert loss.item() == 0 and not gradient(loss, student).any()


@pytest.mark.parametrize('name', LABELLED)
def test_half_precision_logits_are_computed_in_single(name):
    student = (3 * torch.randn(2, C, 6, 8)).bfloat16().requires_grad_()
    loss = LABELLED[name](student, labels())
    assert loss.dtype == torch.float32 and loss.isfinite()


@pytest.mark.parametrize('name', LABELLED)
def test_extreme_logits_give_no_nan(name):
    student = (1e4 * torch.randn(2, C, 6, 8)).requires_grad_()
    loss = LABELLED[name](student, labels())
    assert loss.isfinite() and gradient(loss, student).isfinite().all()

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.self_training.inter_class import INTER_CLASS, non_target

ALL = torch.ones(2, 6, 7)


@pytest.fixture
def teacher() -> torch.Tensor:
    return 2 * torch.randn(2, 5, 6, 7, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def student() -> torch.Tensor:
    return (2 * torch.randn(2, 5, 6, 7, generator=torch.Generator().manual_seed(1))).requires_grad_()


@pytest.fixture(params=INTER_CLASS)
def flow(request):
    return INTER_CLASS[request.param]


@pytest.mark.parametrize('temperature', [1.0, 2.0, 4.0])
def test_a_student_like_its_teacher_has_no_loss(flow, teacher, temperature):
    assert flow(teacher, teacher.clone(), ALL, ALL > 0, temperature).item() == pytest.approx(0, abs=1e-6)


def test_another_student_has_one_and_follows_its_gradient(flow, teacher, student):
    first = flow(teacher, student, ALL, ALL > 0, 2.0)
    first.backward()
    with torch.no_grad():
        student -= 0.1 * student.grad / student.grad.abs().max()
    assert 0 < flow(teacher, student, ALL, ALL > 0, 2.0).item() < first.item()


def test_no_gradient_reaches_the_teacher(flow, teacher, student):
    teacher.requires_grad_()
    flow(teacher, student, ALL, ALL > 0, 2.0).backward()
    assert teacher.grad is None


def test_a_pixel_without_weight_changes_nothing(flow, teacher, student):
    weight = ALL.clone()
    weight[:, 2:4] = 0
    loss = flow(teacher, student, weight, ALL > 0, 2.0)
    changed = torch.where(weight[:, None] > 0, student, 9.0)
    assert flow(teacher, changed, weight, ALL > 0, 2.0).item() == pytest.approx(loss.item(), rel=1e-6)


def test_images_without_any_pixel_give_0_and_a_finite_gradient(flow, teacher, student):
    loss = flow(teacher, student, 0 * ALL, ALL < 0, 2.0)
    loss.backward()
    assert loss.item() == 0 and student.grad.isfinite().all()


def test_non_target_does_not_see_the_teachers_first_class(teacher, student):
    first = teacher.argmax(1, keepdim=True)
    loss = non_target(teacher, student, ALL, ALL > 0, 1.0)
    other = student.detach().scatter(1, first, 3.0)
    assert non_target(teacher, other, ALL, ALL > 0, 1.0).item() == pytest.approx(loss.item(), rel=1e-5)
    pixel = [side.detach()[0, :, 0, 0] for side in (teacher, student)]
    kept = torch.arange(5) != first[0, 0, 0, 0]
    one = torch.zeros_like(ALL)
    one[0, 0, 0] = 1
    p, q = (logits[kept].softmax(0) for logits in pixel)
    expected = (p * (p / q).log()).sum().item()
    assert non_target(teacher, student, one, one > 0, 1.0).item() == pytest.approx(expected, rel=1e-4)


def test_non_target_leaves_out_pixels_of_a_teacher_that_is_certain(student):
    certain = torch.zeros(2, 5, 6, 7)
    certain[:, 0] = 20.0
    assert non_target(certain, student, ALL, ALL > 0, 1.0).item() == 0

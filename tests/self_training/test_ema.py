"""The mean teacher follows its student as the papers say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import build
from uda_seg_ros.self_training.ema import Average, EMATeacher, ema_alpha


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))


def changed(network: nn.Module, value: float) -> nn.Module:
    for tensor in network.state_dict().values():
        tensor.fill_(value)
    return network


@pytest.mark.parametrize('step, decay, expected', [
    (0, 0.999, 0), (1, 0.999, 0.5), (9, 0.999, 0.9), (99, 0.999, 0.99), (999, 0.999, 0.999), (10 ** 6, 0.999, 0.999),
    (9, 0.5, 0.5), (0, 0.5, 0)])
def test_alpha_grows_from_a_copy_to_the_decay(step, decay, expected):
    assert ema_alpha(step, decay) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize('step, kept', [(0, 0), (1, 0.5), (9, 0.9), (999, 0.999), (5000, 0.999)])
def test_an_update_keeps_alpha_of_the_teacher(step, kept):
    teacher, student = EMATeacher(changed(small(), 1)), changed(small(), 3)
    teacher.update(student, step)
    for tensor in teacher.network.parameters():
        torch.testing.assert_close(tensor, torch.full_like(tensor, kept * 1 + (1 - kept) * 3))


def test_step_0_makes_the_teacher_equal_the_student_to_the_bit():
    student = build('fast_scnn', 5, width=0.25)
    teacher = EMATeacher(build('fast_scnn', 5, width=0.25))
    teacher.update(student, 0)
    assert all(torch.equal(own, new) for own, new in
               zip(teacher.network.state_dict().values(), student.state_dict().values()))


@pytest.mark.parametrize('buffers, expected', [('average', 1.2), ('copy', 3)])
def test_statistics_are_averaged_or_copied_and_counters_always_copied(buffers, expected):
    teacher, student = EMATeacher(changed(small(), 1), Average(buffers=buffers)), changed(small(), 3)
    teacher.update(student, 9)
    norm = teacher.network[1]
    for tensor in (norm.running_mean, norm.running_var):
        torch.testing.assert_close(tensor, torch.full_like(tensor, expected))
    assert norm.num_batches_tracked == 3
    torch.testing.assert_close(norm.weight, torch.full_like(norm.weight, 1.2))


def test_the_teacher_is_a_copy_not_the_student_itself():
    student = small()
    teacher = EMATeacher(student)
    before = student[0].weight.clone()
    changed(teacher.network, 7)
    assert torch.equal(student[0].weight, before)


def test_the_teacher_stays_in_eval_mode_whatever_is_asked():
    teacher = EMATeacher(small())
    nn.ModuleDict({'teacher': teacher}).train()
    assert not any(module.training for module in teacher.modules())


def test_the_teacher_never_gets_a_gradient_nor_changes_its_statistics():
    teacher = EMATeacher(build('fast_scnn', 5, width=0.25))
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    assert not teacher(torch.randn(2, 3, 64, 64, requires_grad=True)).requires_grad
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())


def test_it_gives_the_students_logits_after_a_copy():
    student = build('fast_scnn', 5, width=0.25).eval()
    teacher, image = EMATeacher(student), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(teacher(image, (32, 32)), student(image, (32, 32)))


def test_the_student_is_not_moved_by_an_update():
    teacher, student = EMATeacher(changed(small(), 1)), changed(small(), 3)
    teacher.update(student, 9)
    assert all((tensor == 3).all() for tensor in student.state_dict().values())


def test_with_batch_statistics_the_batch_normalises_and_the_buffers_stay():
    student, image = small(), torch.randn(4, 3, 16, 16)
    teacher = EMATeacher(student, Average(batch_statistics=True))
    before = {name: buffer.clone() for name, buffer in teacher.network.named_buffers() if 'num_batches' not in name}
    assert not torch.allclose(teacher.train().network(image), EMATeacher(student).network(image))
    torch.testing.assert_close(teacher.network(image + 5), teacher.network(image), atol=1e-4, rtol=1e-4)  # whatever its mean
    assert all(torch.equal(buffer, dict(teacher.network.named_buffers())[name]) for name, buffer in before.items())


def test_a_decay_out_of_its_range_is_refused():
    with pytest.raises(ConfigError, match='decay must be'):
        Average(decay=1.0)

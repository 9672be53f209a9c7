"""What our reading of BKD promises; its parts are tested in tests/self_training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from offline.methods.bkd import BKD
from offline.samples import Batch
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import build
from uda_seg_ros.self_training.hard_pixels import difficulty, mean_one, weights
from uda_seg_ros.self_training.losses import cross_entropy, kl_map, soft_cross_entropy_map
from uda_seg_ros.self_training.pseudo_label import pseudo_label
from uda_seg_ros.self_training.soft_label import soft_label

from .cases import HEIGHT, LARGER, STUDENT, WIDTH, Case

THRESHOLD = 0.6  # about half of the pixels reach it
PLAIN = {'photometric': None, 'threshold': THRESHOLD, 'label_share': 1.0, 'distilled': 0.0}


def one_step(config, step: int = 0, networks=None, change=lambda batch: batch) -> tuple[BKD, Batch, dict[str, torch.Tensor]]:
    case = Case({'photometric': None, 'threshold': THRESHOLD, **config}, networks or {})
    method = case.make('bkd')
    batch = change(case.batch(method))
    torch.manual_seed(3)
    return method, batch, method(batch, step)


def logits_of(method: BKD, network: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    return network(method.normalise(image), (HEIGHT, WIDTH))


def pasted_pixels(method: BKD, batch: Batch) -> torch.Tensor:
    pasted = (method.watch['mixed_image'] == batch.source_image).all(1)
    assert pasted.any() and not pasted.all()
    return pasted


@pytest.mark.parametrize('config', [
    {}, {'hard_pixels': {'on': 'both', 'start': 0, 'gamma': 0.0}}, {'guard_below': 0.9},
    {'hard_pixels': {'on': 'both', 'start': 1}}])
def test_without_its_three_ideas_it_is_plain_self_training(config):
    method, batch, losses = one_step({**PLAIN, **config})
    pasted = pasted_pixels(method, batch)
    guess, confidence = pseudo_label(logits_of(method, method.teacher, batch.target_image))
    label, weight = torch.where(pasted, batch.source_label, guess), (pasted | (confidence >= THRESHOLD)).float()
    assert 0 < weight[~pasted].mean() < 1
    expected = (cross_entropy(logits_of(method, method.student, batch.source_image), batch.source_label, normalise='valid')
                + cross_entropy(logits_of(method, method.student, method.watch['mixed_image']), label, weight, 'valid'))
    assert sum(losses.values()).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize('step, share', [(0, 1.0), (50, 0.85), (100, 0.7), (900, 0.7)])
def test_the_source_label_is_smoothed_by_the_teacher_along_the_ramp(step, share):
    method, batch, losses = one_step({'label_share': 0.7, 'ramp': 100, 'guard_below': 0.0}, step, {'teacher': STUDENT})
    valid = batch.source_label != IGNORE
    logits = logits_of(method, method.student, batch.source_image)
    soft = logits_of(method, method.teacher, batch.source_image).softmax(1)
    expected = (share * cross_entropy(logits, batch.source_label, normalise='valid')
                + (1 - share) * soft_cross_entropy_map(soft, logits)[valid].mean())
    assert losses['source'].item() == pytest.approx(expected.item(), rel=1e-5)


def test_every_target_pixel_is_distilled_and_only_confident_ones_get_a_hard_label():
    method, batch, losses = one_step({'threshold': 1.0})
    assert losses['pseudo_label'] == 0 and losses['distillation'] > 0
    assert (method.watch['pixel_weight'][~pasted_pixels(method, batch)] == 0).all()


def test_pasted_pixels_learn_the_soft_source_label_too():
    method, batch, losses = one_step({'label_share': 0.7, 'ramp': 0, 'guard_below': 0.0}, 5, {'teacher': STUDENT})
    pasted, valid = pasted_pixels(method, batch), method.watch['mixed_label'] != IGNORE
    soft = soft_label(batch.source_label, logits_of(method, method.teacher, batch.source_image).softmax(1), 0.7)
    loss = soft_cross_entropy_map(soft, logits_of(method, method.student, method.watch['mixed_image']))
    expected = loss[pasted & valid].sum() / valid.sum()
    assert losses['mixed_source'].item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize('change', [
    lambda batch: replace(batch, source_label=torch.full_like(batch.source_label, IGNORE))])
def test_a_source_of_nothing_but_ignore_has_no_loss(change):
    _, _, losses = one_step({}, change=change)
    assert losses['source'] == 0 and losses['mixed_source'] == 0


def test_the_target_weighs_by_the_share_of_confident_pixels():
    method, batch, constant = one_step({'target_weight': 0.5})
    _, _, by_share = one_step({'target_weight': 0.5, 'target_weight_by': 'confident_share'})
    _, confidence = pseudo_label(logits_of(method, method.teacher, batch.target_image))
    share = (confidence >= THRESHOLD).float().mean().item()
    assert 0 < share < 1
    for name, factor in (('source', 1), ('mixed_source', 1), ('pseudo_label', share), ('distillation', share)):
        assert by_share[name].item() == pytest.approx(factor * constant[name].item(), rel=1e-5), name
    _, _, full = one_step({})
    assert full['mixed_source'].item() == pytest.approx(2 * constant['mixed_source'].item(), rel=1e-5)


@pytest.mark.parametrize('on', ['source', 'both'])
def test_hard_pixels_weigh_more_from_their_start_on(on):
    settings = {'hard_pixels': {'on': on, 'start': 5}}
    before, after = one_step(settings, 4)[2], one_step(settings, 5)[2]
    plain = one_step({}, 5)[2]
    assert before['source'] == one_step({}, 4)[2]['source']
    assert after['source'] > plain['source']
    assert (after['mixed_source'] > plain['mixed_source']) == (on == 'both')


def test_hard_target_pixels_are_distilled_by_their_confidence_too():
    """Each image's weights have mean 1 over its target pixels."""
    method, batch, losses = one_step({'hard_pixels': {'on': 'both', 'start': 0}})
    target = ~pasted_pixels(method, batch)
    teacher = logits_of(method, method.teacher, batch.target_image)
    student = logits_of(method, method.student, method.watch['mixed_image'])
    guess, confidence = pseudo_label(teacher)
    weight = mean_one(weights(difficulty(student, guess), target) * confidence, target)
    expected = 0.5 * (kl_map(teacher, student, 2.0) * weight).sum() / (method.watch['mixed_label'] != IGNORE).sum()
    assert losses['distillation'].item() == pytest.approx(expected.item(), rel=1e-5)


def test_borders_of_the_target_take_no_part():
    method, batch, _ = one_step({'ignore_borders': [5, 9, 3, 2], 'threshold': 0.0})
    border = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    border[5:-9, 3:-2] = False
    weight, pasted = method.watch['pixel_weight'], pasted_pixels(method, batch)
    assert (weight[border & ~pasted] == 0).all() and (weight[~border & ~pasted] == 1).all()


def test_the_teacher_is_the_network_given_or_else_the_average_of_the_student():
    given = Case(networks={'teacher': LARGER}).make('bkd')
    assert given.teacher is given.networks['teacher'] and given.average is None
    own = Case().make('bkd')
    assert own.parts()['teacher'] is own.average.network
    assert given.parts()['teacher'] is given.teacher


def test_a_teacher_of_other_classes_is_refused():
    networks = {'student': build(num_classes=19, **STUDENT), 'teacher': build(num_classes=11, **LARGER)}
    with pytest.raises(ConfigError, match='the teacher has 11 classes, the student 19'):
        BKD(networks, BKD.Config(), Preprocess(HEIGHT, WIDTH))


@pytest.mark.parametrize('wrong, text', [
    ({'label_share': 1.2}, 'label_share and distilled must'), ({'distilled': -0.1}, 'label_share and distilled must'),
    ({'temperature': 0.0}, 'temperature above 0'), ({'threshold': 96.8}, 'threshold must be within 0 to 1'),
    ({'ignore_borders': [0, 0, -1, 0]}, 'ignore_borders 0 or more')])
def test_a_setting_out_of_its_range_is_refused(wrong, text):
    with pytest.raises(ConfigError, match=text):
        Case(wrong).make('bkd')

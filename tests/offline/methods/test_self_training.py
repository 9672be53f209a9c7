"""What the recipe of DAFormer says of self-training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uda_seg_ros.config import ConfigError
from uda_seg_ros.self_training.losses import cross_entropy
from uda_seg_ros.self_training.pseudo_label import pseudo_label

from .cases import HEIGHT, WIDTH, Case

THRESHOLD = 0.6  # about half of the pixels reach it


def one_step(config=None, step: int = 0, batch=None):
    """(method after one forward without photometric, batch, losses)."""
    case = Case({'photometric': None, 'threshold': THRESHOLD, **(config or {})})
    method = case.make('self_training')
    batch = batch or case.batch(method)
    torch.manual_seed(3)
    return method, batch, method(batch, step)


def pasted_pixels(method, batch) -> torch.Tensor:
    pasted = (method.watch['mixed_image'] == batch.source_image).all(1)
    assert pasted.any() and not pasted.all()
    return pasted


def inputs_of(network) -> list[torch.Tensor]:
    """Fills with the images that the network is shown."""
    seen = []
    network.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    return seen


@pytest.mark.parametrize('per', ['batch', 'image'])
def test_pasted_pixels_weigh_1_and_the_others_the_share_of_confident_ones(per):
    method, batch, _ = one_step({'share_per': per})
    pasted = pasted_pixels(method, batch)
    _, confidence = pseudo_label(method.teacher(method.normalise(batch.target_image), (HEIGHT, WIDTH)))
    confident = (confidence >= THRESHOLD).float()
    share = confident.mean().expand(2) if per == 'batch' else confident.mean((1, 2))
    assert share.min() > 0 and share.max() < 1
    expected = torch.where(pasted, 1.0, share[:, None, None])
    torch.testing.assert_close(method.watch['pixel_weight'], expected)


def test_the_others_have_the_label_that_the_teacher_gives_the_clean_target():
    case = Case({'masked': {'weight': 1.0}})
    method = case.make('self_training')
    batch, seen = case.batch(method), inputs_of(method.teacher.network)
    method(batch, 0)
    assert len(seen) == 1 and torch.equal(seen[0], method.normalise(batch.target_image))
    method, batch, _ = one_step()
    label, _ = pseudo_label(method.teacher(method.normalise(batch.target_image), (HEIGHT, WIDTH)))
    assert torch.equal(method.watch['mixed_label'], torch.where(pasted_pixels(method, batch), batch.source_label, label))


def test_both_cross_entropies_are_means_over_all_pixels():
    method, batch, losses = one_step()
    student = method.student
    source = student(method.normalise(batch.source_image), (HEIGHT, WIDTH))
    mixed = student(method.normalise(method.watch['mixed_image']), (HEIGHT, WIDTH))
    assert losses['source'].item() == pytest.approx(cross_entropy(source, batch.source_label).item(), rel=1e-5)
    expected = cross_entropy(mixed, method.watch['mixed_label'], method.watch['pixel_weight'])
    assert losses['mixed'].item() == pytest.approx(expected.item(), rel=1e-5)


def test_borders_of_the_target_have_no_weight_and_pasted_pixels_keep_theirs():
    method, batch, _ = one_step({'ignore_borders': [5, 9, 3, 2]})
    pasted, weight = pasted_pixels(method, batch), method.watch['pixel_weight']
    border = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    border[5:-9, 3:-2] = False
    assert (weight[pasted] == 1).all()
    assert (weight[border & ~pasted] == 0).all() and (weight[~border & ~pasted] > 0).all()


@pytest.mark.parametrize('step, kept', [(0, 0.0), (9, 0.9), (5000, 0.999)])
def test_the_teacher_moves_before_anything_else(step, kept):
    case = Case()
    method = case.make('self_training')
    with torch.no_grad():
        for parameter in method.student.parameters():
            parameter.add_(1)
    before = [parameter.clone() for parameter in method.teacher.network.parameters()]
    method(case.batch(method), step)
    for old, now, student in zip(before, method.teacher.network.parameters(), method.student.parameters()):
        torch.testing.assert_close(now, kept * old + (1 - kept) * student)


def test_the_masked_image_hides_blocks_of_the_target_and_keeps_its_labels():
    case = Case({'photometric': None, 'masked': {'weight': 2.0, 'block': 32, 'ratio': 0.5}, 'threshold': THRESHOLD})
    method = case.make('self_training')
    batch, seen = case.batch(method), inputs_of(method.student)
    torch.manual_seed(0)
    losses = method(batch, 0)
    masked, clean = seen[-1], method.normalise(batch.target_image)
    hidden = (masked == 0).all(1)
    assert torch.equal(masked, clean * ~hidden[:, None]) and 0.1 < hidden.float().mean() < 0.9
    assert all(block.min() == block.max() for block in hidden.float().unfold(1, 32, 32).unfold(2, 32, 32).flatten(0, 2))
    label, confidence = pseudo_label(method.teacher(clean, (HEIGHT, WIDTH)))
    share = (confidence >= THRESHOLD).float().mean()
    expected = 2 * cross_entropy(method.student(masked, (HEIGHT, WIDTH)), label, share)
    assert losses['masked'].item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_feature_distance_looks_at_things_only():
    _, batch, losses = one_step({'feature_distance': 0.005})
    assert losses['feature_distance'] > 0
    _, _, losses = one_step({'feature_distance': 0.005}, batch=replace(
        batch, source_label=torch.zeros_like(batch.source_label)))
    assert losses['feature_distance'] == 0


def test_features_are_compared_with_those_of_the_weights_it_was_prepared_with():
    case = Case({'feature_distance': 0.005})
    method = case.make('self_training')
    with torch.no_grad():
        for parameter in method.student.parameters():
            parameter.mul_(1.1)
    method.prepare([])
    prepared = {key: tensor.clone() for key, tensor in method.student.state_dict().items()}
    for step in range(2):
        sum(method(case.batch(method), step).values()).backward()
        with torch.no_grad():
            for parameter in method.student.parameters():
                parameter.sub_(0.01 * parameter.grad)
    kept = {key.removeprefix('network.'): tensor for key, tensor in method.first.state_dict().items()}
    assert kept.keys() == prepared.keys()
    assert all(torch.equal(prepared[key], tensor) for key, tensor in kept.items())


def test_thing_classes_that_the_network_does_not_have_are_refused():
    with pytest.raises(ConfigError, match=r'thing_classes \[19, 30\] are no train ids of 19 classes'):
        Case({'feature_distance': 0.005, 'thing_classes': [11, 19, 30]}).make('self_training')


@pytest.mark.parametrize('wrong, text', [
    ({'threshold': 96.8}, 'threshold must be within 0 to 1'),
    ({'ignore_borders': [0, 0, -1, 0]}, 'ignore_borders 0 or more'),
    ({'masked': {'ratio': 70.0}}, 'ratio within 0 to 1'), ({'masked': {'block': 0}}, 'block must be 1 or more')])
def test_a_setting_out_of_its_range_is_refused(wrong, text):
    with pytest.raises(ConfigError, match=text):
        Case(wrong).make('self_training')

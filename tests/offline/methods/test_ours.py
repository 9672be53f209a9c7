"""What the recommended method is composed of."""

from __future__ import annotations

import pytest
import torch

from offline.methods import Method
from offline.methods.ours import Ours
from offline.samples import Batch
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import build
from uda_seg_ros.self_training.losses import cross_entropy, kl_map
from uda_seg_ros.self_training.restyle import color_statistics

from .cases import CLASSES, HEIGHT, LARGER, STUDENT, WIDTH, Case

WIDE = {**STUDENT, 'width': 0.5}


def one_step(networks=(), **config) -> tuple[Method, Batch, dict[str, torch.Tensor]]:
    case = Case({'photometric': None, 'threshold': 0.6, **config}, dict(networks))
    method = case.make('ours')
    batch = case.batch(method)
    torch.manual_seed(3)
    return method, batch, method(batch, 0)


@torch.no_grad()
def seen_by(network: torch.nn.Module, method: Method, image: torch.Tensor) -> torch.Tensor:
    return network(method.normalise(image), (HEIGHT, WIDTH))


def test_every_student_gets_both_cross_entropies_and_the_light_one_the_teacher_s_probs_on_target_pixels():
    method, batch, losses = one_step({'large': WIDE}, restyled=0.0, soft=0.5, temperature=3.0)
    seen, expected = method.watch, {}
    pasted = (seen['mixed_image'] == batch.source_image).all(1)
    assert pasted.any() and not pasted.all() and 0 < seen['pixel_weight'].min() < 1
    for role in ('student', 'large'):
        source, mixed = (seen_by(method.networks[role], method, image)
                         for image in (batch.source_image, seen['mixed_image']))
        expected[f'source_{role}'] = cross_entropy(source, batch.source_label)
        expected[f'mixed_{role}'] = cross_entropy(mixed, seen['mixed_label'], seen['pixel_weight'])
        if role == 'student':
            divergence = kl_map(seen_by(method.teacher, method, batch.target_image), mixed, 3.0)
            expected['soft'] = 0.5 * (divergence * ~pasted).mean()
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        {name: loss.item() for name, loss in expected.items()}, rel=1e-4)


def test_restyled_source_pictures_take_the_colours_of_target_pictures_and_keep_their_labels():
    method, batch, _ = one_step(restyled=1.0)
    restyled = color_statistics(batch.source_image, batch.target_image)
    torch.testing.assert_close(method.watch['source_image'], restyled)
    assert torch.equal(method.watch['source_label'], batch.source_label)
    assert not torch.allclose(restyled, batch.source_image, atol=0.05)


@pytest.mark.parametrize('networks, followed', [({}, 'student'), ({'large': WIDE}, 'large')])
def test_the_teacher_is_the_average_of_the_larger_student_there_is(networks, followed):
    method, _, _ = one_step(networks)
    for own, theirs in zip(method.teacher.parameters(), method.networks[followed].parameters()):
        assert torch.equal(own, theirs)
    assert method.parts()['teacher'] is method.average.network


def test_a_teacher_that_is_given_takes_its_place_and_two_are_refused():
    method, _, _ = one_step({'teacher': LARGER})
    assert method.average is None and method.teacher is method.networks['teacher']
    networks = {'student': STUDENT, 'large': WIDE, 'teacher': LARGER}
    with pytest.raises(ConfigError, match='not both'):
        Ours({role: build(num_classes=CLASSES, **spec) for role, spec in networks.items()}, Ours.Config(),
             Preprocess(HEIGHT, WIDTH))

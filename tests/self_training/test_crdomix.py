"""CrDoMix against section 12 of the method's specification: which pixels come from where."""

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.augment import Photometric
from uda_seg_ros.self_training.crdomix import Perturbation, crdomix, half_of_classes, perturb

STILL = Photometric(jitter=0, grey=0, blur=0)


@pytest.fixture
def label() -> torch.Tensor:
    """Two maps: one of the classes 0 to 6 and IGNORE, one of 0 to 4 without IGNORE; every pixel drawn on its own."""
    random = torch.Generator().manual_seed(0)
    first = torch.randint(8, (1, 24, 32), generator=random)
    return torch.cat([first.where(first < 7, IGNORE), torch.randint(5, (1, 24, 32), generator=random)])


@pytest.mark.parametrize('seed', range(8))
def test_ignore_is_source_and_every_class_comes_wholly_from_one_picture(label, seed):
    torch.manual_seed(seed)
    source, translated = torch.zeros(2, 3, 24, 32), torch.ones(2, 3, 24, 32)
    mixed = crdomix(source, label, translated, 0.4, STILL)
    for picture, one in zip(mixed, label):
        for value in one.unique():
            assert len(picture[:, one == value].unique()) == 1
        assert not picture[:, one == IGNORE].any()


@pytest.mark.parametrize('seed', range(8))
def test_half_of_the_classes_rounded_down_are_drawn_before_ignore_is_added(label, seed):
    torch.manual_seed(seed)
    drawn = half_of_classes(label)
    first, second = (one[mask].unique() for one, mask in zip(label, drawn))
    # 8 values, IGNORE among them: 4 are drawn, and IGNORE is one of these or a fifth.
    assert IGNORE in first and len(first) in (4, 5)
    assert len(second) == 5 // 2


def test_the_draw_changes_from_call_to_call_and_from_picture_to_picture(label):
    torch.manual_seed(0)
    twice = label[1:].expand(2, -1, -1)
    draws = [half_of_classes(twice) for _ in range(8)]
    assert any(not torch.equal(*draw) for draw in draws)
    assert any(not torch.equal(draws[0], draw) for draw in draws)


def test_the_perturbed_picture_is_a_blend_of_the_augmented_and_the_plain_one():
    image = torch.rand(2, 3, 24, 32)
    settings = Perturbation(jitter=1.0)
    augmented, blended = [], []
    for beta, found in ((1.0, augmented), (0.3, blended)):
        torch.manual_seed(3)
        found.append(perturb(image, beta, settings))
    torch.testing.assert_close(blended[0], 0.3 * augmented[0] + 0.7 * image)
    assert (augmented[0] - image).abs().mean() > 0.01
    assert augmented[0].min() >= 0 and augmented[0].max() <= 1


def test_source_pixels_are_perturbed_and_the_others_are_the_translated_ones(label):
    image, translated = torch.rand(2, 3, 24, 32), torch.rand(2, 3, 24, 32)
    settings = Photometric(brightness=0.4, jitter=1.0, grey=0, blur=0)
    torch.manual_seed(1)
    mask = half_of_classes(label)[:, None].expand(-1, 3, -1, -1)
    perturbed = perturb(image, 0.4, settings)
    torch.manual_seed(1)
    mixed = crdomix(image, label, translated, 0.4, settings)
    assert torch.equal(mixed[mask], perturbed[mask]) and torch.equal(mixed[~mask], translated[~mask])

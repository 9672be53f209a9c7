from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.augment import Photometric
from uda_seg_ros.self_training.target_view import Masked, ViewSettings, masked_view, mixed_view, source_view, target_view

PLAIN = {'photometric': None}


@pytest.fixture
def pair():
    """(source with the values 0, 1, 2 and IGNORE in columns, logits and image of a target of which 1/8 is sure)."""
    torch.manual_seed(0)
    label = torch.tensor([0, 1, 2, IGNORE]).repeat_interleave(8).expand(2, 16, 32)
    logits = torch.zeros(2, 4, 16, 32)
    logits[:, 3] = 1.0
    logits[0, 3, :4] = 20.0
    return source_view(torch.rand(2, 3, 16, 32), label), logits, torch.rand(2, 3, 16, 32)


def test_every_target_pixel_weighs_the_share_of_confident_ones(pair):
    _, logits, image = pair
    view = target_view(image, logits, ViewSettings())
    assert (view.label == 3).all() and torch.allclose(view.pixel_weight, torch.full((2, 16, 32), 0.125))
    per_image = target_view(image, logits, ViewSettings(share_per='image')).pixel_weight
    assert torch.allclose(per_image[0], torch.tensor(0.25)) and (per_image[1] == 0).all()


def test_borders_have_no_weight(pair):
    _, logits, image = pair
    weight = target_view(image, logits, ViewSettings(threshold=0.0, ignore_borders=(1, 2, 3, 4))).pixel_weight
    assert weight.sum() == 2 * (16 - 3) * (32 - 7) and (weight[:, 1:-2, 3:-4] == 1).all()


def test_pasted_pixels_are_the_sources_and_weigh_1_the_others_stay(pair):
    source, logits, image = pair
    target = target_view(image, logits, ViewSettings())
    mixed = mixed_view(source, target, ViewSettings(**PLAIN))
    pasted = mixed.pixel_weight == 1
    assert pasted.float().mean() == 0.5  # half of four values, each a quarter of the picture
    assert torch.equal(mixed.label, source.label.where(pasted, target.label))
    assert torch.equal(mixed.image, source.image.where(pasted[:, None], target.image))
    assert torch.equal(mixed.pixel_weight[~pasted], target.pixel_weight[~pasted])


def test_hidden_blocks_normalise_to_0_and_the_labels_stay(pair):
    _, logits, image = pair
    settings = ViewSettings(**PLAIN, masked=Masked(1.0, 8, 0.5))
    target = target_view(image, logits, settings)
    mean = torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1)
    hidden = masked_view(target, mean, settings)
    same, painted = (hidden.image == image).all(1), (hidden.image == mean).all(1)
    assert (same ^ painted).all() and same.any() and painted.any()
    assert hidden.label is target.label and hidden.pixel_weight is target.pixel_weight


def test_the_target_itself_is_not_augmented_the_mixed_image_is(pair):
    source, logits, image = pair
    settings = ViewSettings(photometric=Photometric(jitter=1.0, blur=1.0))
    target = target_view(image, logits, settings)
    assert target.image is image
    assert not torch.equal(mixed_view(replace(source, image=image), target, settings).image, image)

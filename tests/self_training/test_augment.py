"""Photometric augmentation: in range, different for each image, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uda_seg_ros.self_training.augment import Photometric, _rotate_hue, gaussian_blur, jitter, photometric

OFF = Photometric(0, 0, 0, 0, 0, 0, 0)
STRONG = Photometric(0.9, 0.9, 0.9, 0.5, jitter=1, grey=0.5, blur=1, sigma=(1, 5))
CASES = {'default': Photometric(), 'strong': STRONG, 'off': OFF, 'grey': replace(OFF, grey=1.0),
         'hue': replace(OFF, hue=0.5, jitter=1)}


@pytest.fixture
def image() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(4, 3, 24, 32)


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('kind', ['random', 'black', 'white'])
def test_values_stay_in_range(image, name, kind):
    image = {'random': image, 'black': torch.zeros_like(image), 'white': torch.ones_like(image)}[kind]
    changed = photometric(image, CASES[name])
    assert changed.shape == image.shape and changed.dtype == image.dtype
    assert changed.min() >= 0 and changed.max() <= 1 + 1e-6


def test_off_changes_nothing(image):
    assert torch.equal(photometric(image, OFF), image)


@pytest.mark.parametrize('change', [
    {'brightness': 0.5, 'jitter': 1}, {'contrast': 0.5, 'jitter': 1}, {'saturation': 0.5, 'jitter': 1},
    {'hue': 0.3, 'jitter': 1}, {'blur': 1.0, 'sigma': (20.0, 60.0)}], ids=lambda change: next(iter(change)))
def test_equal_images_get_different_draws(image, change):
    changed = photometric(image[:1].expand(4, -1, -1, -1).contiguous(), replace(OFF, **change))
    for i in range(3):
        assert not torch.allclose(changed[i], changed[3], atol=1e-4)


def test_the_same_seed_gives_the_same_images(image):
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(photometric(image, STRONG))
    assert torch.equal(*results)


@pytest.mark.parametrize('setting', ['jitter', 'grey', 'blur'])
def test_each_gets_its_share_of_the_images(setting):
    torch.manual_seed(0)
    image = torch.rand(1, 3, 12, 12).expand(400, -1, -1, -1)
    settings = replace(OFF, brightness=0.5, sigma=(50, 60), **{setting: 0.3})
    changed = (photometric(image, settings) != image).flatten(1).any(1).float().mean().item()
    assert changed == pytest.approx(0.3, abs=0.08)


def test_grey_has_no_colour_and_the_images_luminance(image):
    changed = photometric(image, CASES['grey'])
    torch.testing.assert_close(changed[:, 0], changed[:, 1])
    torch.testing.assert_close(changed[:, 0], 0.299 * image[:, 0] + 0.587 * image[:, 1] + 0.114 * image[:, 2])


def test_brightness_multiplies_by_at_most_what_is_set(image):
    factor = jitter(image * 0.5, replace(OFF, brightness=0.4, jitter=1)) / (image * 0.5)
    assert (factor.amax((1, 2, 3)) - factor.amin((1, 2, 3))).max() < 1e-4
    assert factor.min() >= 0.6 and factor.max() <= 1.4


def test_a_full_turn_of_the_hue_is_no_turn_and_half_a_turn_mirrors_the_colour(image):
    def turned(share: float) -> torch.Tensor:
        return _rotate_hue(image, torch.full((4, 1, 1, 1), share * 2 * torch.pi))
    torch.testing.assert_close(turned(1.0), image, rtol=0, atol=1e-5)
    torch.testing.assert_close(turned(0.0), image, rtol=0, atol=1e-5)
    torch.testing.assert_close(_rotate_hue(turned(0.3), torch.full((4, 1, 1, 1), -0.6 * torch.pi)), image, rtol=0, atol=1e-5)
    grey = (0.299 * image[:, 0] + 0.587 * image[:, 1] + 0.114 * image[:, 2])[:, None]
    torch.testing.assert_close(turned(0.5), 2 * grey - image, rtol=0, atol=2e-3)


def test_hue_leaves_grey_as_it_is():
    grey = torch.rand(2, 1, 8, 8).expand(-1, 3, -1, -1)
    torch.testing.assert_close(_rotate_hue(grey, torch.tensor([1.0, 2.0]).view(2, 1, 1, 1)), grey, rtol=0, atol=1e-3)


def test_blur_keeps_the_mean_and_lowers_the_contrast(image):
    flat = torch.full((1, 3, 8, 8), 0.3)
    torch.testing.assert_close(gaussian_blur(flat, 1, 2), flat)
    blurred = gaussian_blur(image, 2, 2)
    assert (blurred.std((2, 3)) < 0.5 * image.std((2, 3))).all()
    torch.testing.assert_close(blurred.mean((2, 3)), image.mean((2, 3)), rtol=0, atol=0.05)


def test_blur_is_a_gaussian_of_the_deviation_asked_for():
    point = torch.zeros(1, 3, 41, 41)
    point[..., 20, 20] = 1
    row = gaussian_blur(point, 3, 3)[0, 0].sum(0)
    offset = torch.arange(-20, 21)
    assert row.sum().item() == pytest.approx(1, abs=1e-5)
    assert (row * offset ** 2).sum().item() ** 0.5 == pytest.approx(3, rel=0.02)


def test_autocast_does_not_coarsen_the_image(image):
    torch.manual_seed(1)
    exact = photometric(image, STRONG)
    torch.manual_seed(1)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(photometric(image, STRONG), exact)

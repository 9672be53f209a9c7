"""Restyling takes colours, never geometry."""

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.self_training.restyle import RESTYLE, color_statistics, fourier_amplitude, grain_and_blur


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Two pairs of smooth pictures in the middle of the range, where nothing is cut off."""
    torch.manual_seed(0)
    coarse = torch.rand(4, 3, 6, 8) * 0.2 + 0.4
    smooth = torch.nn.functional.interpolate(coarse, (48, 64), mode='bilinear') + 0.02 * torch.randn(4, 3, 48, 64)
    return smooth[:2], smooth[2:] * 0.6


@pytest.mark.parametrize('name', RESTYLE)
def test_an_image_in_its_own_style_is_itself(name, pictures):
    image, _ = pictures
    torch.testing.assert_close(RESTYLE[name](image, image), image, rtol=0, atol=1e-4)


@pytest.mark.parametrize('name', RESTYLE)
def test_values_stay_in_range_and_shape_and_kind_are_the_images(name, pictures):
    image, reference = pictures
    for dtype in (torch.float32, torch.float64):
        styled = RESTYLE[name](image.to(dtype) * 3 - 1, reference.to(dtype) * 4)
        assert styled.shape == image.shape and styled.dtype == dtype
        assert styled.min() >= 0 and styled.max() <= 1


@pytest.mark.parametrize('name', RESTYLE)
def test_every_image_takes_its_own_reference(name, pictures):
    image, reference = pictures
    alone = torch.cat([RESTYLE[name](image[i:i + 1], reference[i:i + 1]) for i in range(2)])
    torch.testing.assert_close(RESTYLE[name](image, reference), alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize('share, reach', [(0.01, 1), (0.05, 2), (0.1, 4)])
def test_low_frequencies_take_the_references_amplitude_and_the_rest_stays(pictures, share, reach):
    image, reference = (picture[:1] for picture in pictures)
    before, style, after = (torch.fft.fft2(each) for each in (image, reference, fourier_amplitude(image, reference, share)))
    rows, columns = (torch.fft.fftfreq(side, 1 / side).abs() <= reach for side in (48, 64))
    low = (rows[:, None] & columns).expand(1, 3, -1, -1)
    torch.testing.assert_close(after.abs()[low], style.abs()[low], rtol=1e-2, atol=0.05)
    torch.testing.assert_close(after[~low], before[~low], rtol=1e-2, atol=0.05)


def test_low_frequencies_keep_the_images_phase(pictures):
    image, reference = pictures
    before, after = (torch.fft.rfft2(each)[..., :2, :2] for each in (image, fourier_amplitude(image, reference, 0.05)))
    difference = torch.polar(torch.ones_like(before.abs()), before.angle() - after.angle())
    torch.testing.assert_close(difference.real, torch.ones_like(difference.real), rtol=0, atol=1e-3)


def test_the_mean_is_the_references_for_any_share(pictures):
    image, reference = pictures
    torch.testing.assert_close(fourier_amplitude(image, reference).mean((2, 3)), reference.mean((2, 3)), rtol=0, atol=1e-4)


def test_color_statistics_are_the_references(pictures):
    image, reference = pictures
    styled = color_statistics(image, reference[:, :, :30, :40])
    assert styled.min() > 0 and styled.max() < 1  # nothing was cut off
    for statistic in (torch.mean, torch.std):
        torch.testing.assert_close(statistic(styled, (2, 3)), statistic(reference[:, :, :30, :40], (2, 3)))


def test_a_picture_of_one_colour_gives_no_nan():
    assert color_statistics(torch.full((1, 3, 8, 8), 0.5), torch.rand(1, 3, 8, 8)).isfinite().all()


@pytest.mark.parametrize('wanted', [0.06, 0.0])
def test_a_picture_gets_the_grain_or_the_softness_of_another(wanted):
    """Smooth pictures with an edge: white noise of 0.02 in one, of `wanted` in the other."""
    torch.manual_seed(0)
    smooth = torch.linspace(0.3, 0.7, 96).expand(1, 3, 64, 96).clone()
    smooth[..., 48:] -= 0.2
    image, reference = (smooth + noise * torch.randn(1, 3, 64, 96) for noise in (0.02, wanted))
    styled = grain_and_blur(image, reference)
    rest = styled - smooth
    assert (rest[..., :40].std() > 1.7 * 0.02) if wanted else (rest[..., :40].std() < 0.9 * 0.02)
    torch.testing.assert_close(styled.mean(), image.mean(), rtol=0, atol=2e-3)


def test_the_grain_is_the_same_for_the_same_generator():
    image, reference = torch.full((1, 3, 32, 32), 0.5), 0.5 + 0.1 * torch.randn(1, 3, 32, 32)
    first, second = (grain_and_blur(image, reference, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(first, second) and first.std() > 0.03
    assert torch.equal(grain_and_blur(image, image), image), 'a picture like itself stays as it is'

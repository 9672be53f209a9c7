"""Training-free image translation: a source picture in the colours of a target picture. Geometry stays as it is."""

from __future__ import annotations

import torch


def fourier_amplitude(image: torch.Tensor, reference: torch.Tensor, share: float = 0.01) -> torch.Tensor:
    """Low frequencies take the amplitude of `reference` (FDA, Yang and Soatto, 2020, arXiv 2004.05498).

    image, reference: B3HW of one size. share: half the side of the exchanged square, as a share of the shorter side.
    """
    height, width = image.shape[-2:]
    reach = max(1, int(min(height, width) * share))
    spectrum, style = torch.fft.rfft2(image.float()), torch.fft.rfft2(reference.float())
    rows = torch.fft.fftfreq(height, 1 / height, device=image.device).abs() <= reach
    columns = torch.fft.rfftfreq(width, 1 / width, device=image.device).abs() <= reach
    amplitude = torch.where(rows[:, None] & columns, style.abs(), spectrum.abs())
    mixed = torch.fft.irfft2(torch.polar(amplitude, spectrum.angle()), s=(height, width))
    return mixed.clamp(0, 1).to(image.dtype)


def color_statistics(image: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Each channel takes mean and deviation of `reference`'s (Reinhard et al., 2001; in RGB). B3HW of any two sizes."""
    mean, std = image.mean((2, 3), keepdim=True), image.std((2, 3), keepdim=True)
    to_mean, to_std = reference.mean((2, 3), keepdim=True), reference.std((2, 3), keepdim=True)
    return ((image - mean) / std.clamp(min=1e-4) * to_std + to_mean).clamp(0, 1)


def grain_and_blur(image: torch.Tensor, reference: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
    """Noise where `reference` is grainier, softness where it shows less detail. 13HW of any two sizes, in 0..1.

    Grain is what lies beside the mean of a pixel and its neighbours nearly everywhere (the median, which edges do not move);
    detail is its deviation. generator: of the noise.
    """
    rest, to_rest = (each - _neighbourhood(each) for each in (image, reference))
    grain, to_grain = (each.abs().median() for each in (rest, to_rest))
    missing = (to_grain.square() - grain.square()).clamp(min=0).sqrt()
    noise = torch.empty_like(image).normal_(generator=generator)
    noisy = (image + GRAIN / MEDIAN * missing * noise).clamp(0, 1)
    share = to_rest.std() / rest.std().clamp(min=1e-6)
    return torch.where(to_grain > grain, noisy, image - (1 - share).clamp(min=0) * rest)


GRAIN = 0.7  # under speckle, at which a network's scores on the real picture and on the imitation were nearest
MEDIAN = 0.6745 * (8 / 9) ** 0.5  # of the absolute rest of white noise with deviation 1


def _neighbourhood(image: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(image, 3, 1, 1, count_include_pad=False)


RESTYLE = {'fourier_amplitude': fourier_amplitude, 'color_statistics': color_statistics}

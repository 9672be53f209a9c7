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


RESTYLE = {'fourier_amplitude': fourier_amplitude, 'color_statistics': color_statistics}

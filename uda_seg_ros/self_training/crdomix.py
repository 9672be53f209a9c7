"""CrDoMix, the cross-domain mixture of one source picture: half of its classes in source style, the rest in target style.

Source: DiGA, Shen et al., CVPR 2023, arXiv 2304.02222. Geometry and label stay those of the source picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .augment import Photometric, photometric
from .mixing import class_mask, draw_classes, mix


@dataclass(frozen=True)
class Perturbation(Photometric):
    """DiGA's augmentation; for SYNTHIA jitter is 0.7 and grey 0.1 in the warm-up.

    Its 3x3 blur of sigma 2 has a deviation of 0.8 pixels. The authors augment images that are normalised already, which
    blackens their dark half whenever the jitter fires; ours come in 0..1, so the best share to blend may differ. Their
    random sharpness is left out.
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.2
    hue: float = 0.1
    jitter: float = 0.5
    grey: float = 0.3
    blur: float = 0.8
    sigma: tuple[float, float] = (0.8, 0.8)


def perturb(image: torch.Tensor, beta: float, settings: Photometric = Perturbation()) -> torch.Tensor:
    """a(x) = beta A(x) + (1 - beta) x, where A is `photometric`. image: B3HW RGB in 0..1."""
    return torch.lerp(image, photometric(image, settings), beta)


def half_of_classes(label: torch.Tensor) -> torch.Tensor:
    """mix_mask BHW bool: half of the values of each label map, rounded down, IGNORE counted, then IGNORE added."""
    return class_mask(label, draw_classes(label, rounding='down', always_ignore=True))


def crdomix(image: torch.Tensor, label: torch.Tensor, translated: torch.Tensor, beta: float,
            settings: Photometric = Perturbation()) -> torch.Tensor:
    """x_cd B3HW: the perturbed source on `half_of_classes`, elsewhere `translated`, the source in target style."""
    return mix(half_of_classes(label), perturb(image, beta, settings), translated)

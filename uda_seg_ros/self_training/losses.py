"""Losses of self-training and distillation. Teachers are detached here; every loss of nothing but IGNORE is 0, never NaN."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

from ..labels import IGNORE

Normalise = Literal['valid', 'all_pixels']


def log_probs(logits: torch.Tensor) -> torch.Tensor:
    """BCHW in float32, for the losses that share them."""
    return logits.float().log_softmax(1)


def cross_entropy(logits: torch.Tensor, label: torch.Tensor, pixel_weight: torch.Tensor | None = None,
                  normalise: Normalise = 'all_pixels') -> torch.Tensor:
    """Mean of pixel_weight * CE. logits BCHW, label BHW int64, pixel_weight BHW or what expands to it.

    normalise: divide by the number of all pixels (DAFormer, DiGA: pixels left out lower the loss) or of the valid ones.
    """
    return negative_log_likelihood(log_probs(logits), label, pixel_weight, normalise)


def negative_log_likelihood(student: torch.Tensor, label: torch.Tensor, pixel_weight: torch.Tensor | None = None,
                            normalise: Normalise = 'all_pixels') -> torch.Tensor:
    """cross_entropy of the logits that these log-probs BCHW are of."""
    loss = functional.nll_loss(student, label, ignore_index=IGNORE, reduction='none')
    if pixel_weight is not None:
        loss = loss * pixel_weight
    return _mean(loss, label != IGNORE, normalise)


def soft_cross_entropy_map(probs: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """BHW: -sum_c q_c log p_c of each pixel."""
    return -(probs.detach() * log_probs(logits)).sum(1)


def soft_cross_entropy(probs: torch.Tensor, logits: torch.Tensor, valid_mask: torch.Tensor | None = None) -> torch.Tensor:
    """H(q, p): mean over pixels of -sum_c q_c log p_c. probs: the teacher's, BCHW; logits: the student's."""
    loss = soft_cross_entropy_map(probs, logits)
    return loss.mean() if valid_mask is None else _mean(loss * valid_mask, valid_mask, 'valid')


def symmetric_distillation(teacher: tuple[torch.Tensor, torch.Tensor], student: tuple[torch.Tensor, torch.Tensor],
                           kappa: float = 1.0, valid_mask: torch.Tensor | None = None) -> torch.Tensor:
    """H(T(a), S(b)) + kappa H(T(b), S(a)) for logits BCHW of two views a and b of a picture (DiGA, arXiv 2304.02222).

    Each view learns from the teacher's probs on the other; temperature 1, no confidence mask. valid_mask: BHW, None is all.
    """
    probs = [logits.detach().float().softmax(1) for logits in teacher]
    across, back = (soft_cross_entropy(*pair, valid_mask) for pair in zip(probs, reversed(student)))
    return across + kappa * back


def kl_map(teacher_logits: torch.Tensor, student_logits: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """BHW: KL(teacher || student) of each pixel, summed over the classes, times temperature ** 2."""
    teacher, student = (log_probs(logits.float() / temperature) for logits in (teacher_logits.detach(), student_logits))
    return kl_map_of_log_probs(teacher, student) * temperature ** 2


def kl_map_of_log_probs(teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
    """kl_map at temperature 1 of the logits that these log-probs BCHW are of.

    Written out, as torch's kl_div reads the teacher's log-probs as probs unless told otherwise, which is no KL (see
    tests/offline/methods/test_dakd.py for what that does).
    """
    teacher = teacher.detach()
    return -(teacher.exp() * (student - teacher)).sum(1)  # this way round the student's gradient needs no change of sign


def kl(teacher_logits: torch.Tensor, student_logits: torch.Tensor, temperature: float = 1.0,
       pixel_weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean over the pixels of kl_map, each times pixel_weight (BHW) if given."""
    loss = kl_map(teacher_logits, student_logits, temperature)
    return loss.mean() if pixel_weight is None else (loss * pixel_weight).mean()


def ohem_cross_entropy(logits: torch.Tensor, label: torch.Tensor, threshold: float = 0.7,
                       fewest: int = 100_000) -> torch.Tensor:
    """CE over hard pixels: those whose true class has a probability below `threshold`, or among the `fewest` lowest."""
    loss = functional.cross_entropy(logits.float(), label, ignore_index=IGNORE, reduction='none')
    valid = label != IGNORE
    probability = torch.where(valid, (-loss.detach()).exp(), torch.inf)
    bound = probability.flatten().kthvalue(min(fewest, probability.numel())).values.clamp(min=threshold)
    hard = valid & (probability <= bound)
    return _mean(loss * hard, hard, 'valid')


def _mean(loss: torch.Tensor, valid: torch.Tensor, normalise: Normalise) -> torch.Tensor:
    """Sum over the pixels divided by their number. A pixel left out carries 0 already."""
    return loss.mean() if normalise == 'all_pixels' else loss.sum() / valid.sum().clamp(min=1)

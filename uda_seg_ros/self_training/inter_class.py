"""What a teacher's probs tell of the classes that it did not choose: readings of BKD's target-flow distillation.

RECONSTRUCTED: of the paper (Wang and Li, IROS 2022) only the abstract is known, which speaks of inter-class knowledge.
Each takes teacher_logits and student_logits BCHW, pixel_weight BHW (0: the pixel is left out), valid_mask BHW (the pixels
that the mean is over) and a temperature, and gives a scalar; the teacher is detached.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from .losses import kl_map

LEFT_OUT = -1e4  # a logit whose probability is 0 in float32
LEAST_REST = 1e-3  # a teacher that leaves less to the other classes says nothing about them


def probs(teacher_logits: torch.Tensor, student_logits: torch.Tensor, pixel_weight: torch.Tensor,
          valid_mask: torch.Tensor, temperature: float) -> torch.Tensor:
    """KL of all classes: their ratios, too, are learnt."""
    return _mean(kl_map(teacher_logits, student_logits, temperature), pixel_weight, valid_mask)


def non_target(teacher_logits: torch.Tensor, student_logits: torch.Tensor, pixel_weight: torch.Tensor,
               valid_mask: torch.Tensor, temperature: float) -> torch.Tensor:
    """KL of the classes beside the teacher's first, as if there were no others."""
    confidence, first = teacher_logits.detach().float().softmax(1).max(1, keepdim=True)
    chosen = torch.zeros_like(teacher_logits, dtype=torch.bool).scatter_(1, first, True)
    rest = kl_map(teacher_logits.float().masked_fill(chosen, LEFT_OUT * temperature),
                  student_logits.float().masked_fill(chosen, LEFT_OUT * temperature), temperature)
    return _mean(rest, pixel_weight * (1 - confidence[:, 0] >= LEAST_REST), valid_mask)


def class_relation(teacher_logits: torch.Tensor, student_logits: torch.Tensor, pixel_weight: torch.Tensor,
                   valid_mask: torch.Tensor, temperature: float) -> torch.Tensor:
    """Squared difference of the cosine between every two classes' probability maps, mean over pairs and images.

    Weights only say which pixels take part. The temperature is not used.
    """
    used = pixel_weight > 0
    with torch.autocast(teacher_logits.device.type, enabled=False):
        return (_cosines(teacher_logits.detach(), used) - _cosines(student_logits, used)).square().mean()


def _cosines(logits: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """BxCxC: inner products of the rows of probs C x pixels, each of length 1."""
    rows = functional.normalize((logits.float().softmax(1) * used[:, None]).flatten(2), dim=2)
    return rows @ rows.mT


def _mean(loss: torch.Tensor, pixel_weight: torch.Tensor, valid_mask: torch.Tensor) -> torch.Tensor:
    return (loss * pixel_weight).sum() / valid_mask.sum().clamp(min=1)


INTER_CLASS = {'probs': probs, 'class_relation': class_relation, 'non_target': non_target}

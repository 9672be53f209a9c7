"""Labels smoothed by a teacher: what BKD calls source-flow distillation (Wang and Li, IROS 2022).

RECONSTRUCTED: of the paper only the abstract is known.
"""

from __future__ import annotations

import torch

from ..labels import IGNORE


def soft_label(label: torch.Tensor, probs: torch.Tensor, label_share: float, guard_below: float = 0.0) -> torch.Tensor:
    """BCHW, sums to 1: label_share of the one-hot label, the rest of the teacher's probs; the probs alone on IGNORE.

    guard_below: where the teacher errs and gives the label less than this probability, the label counts in full.
    """
    probs = probs.detach()
    valid = label != IGNORE
    known = label.where(valid, 0)
    astray = (probs.argmax(1) != known) & (probs.gather(1, known[:, None])[:, 0] < guard_below)
    share = torch.where(astray, 1.0, label_share) * valid
    return torch.lerp(probs, one_hot(known, probs), share.to(probs.dtype)[:, None])


def one_hot(label: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """BCHW of the shape and type of `like`, from a label without IGNORE."""
    return torch.zeros_like(like).scatter_(1, label[:, None], 1)


def label_share_at(step: int, last: float, ramp: int) -> float:
    """From 1 at step 0 linearly to `last` at step `ramp`: a teacher knows little at first."""
    return 1 - (1 - last) * min(1.0, step / max(ramp, 1))

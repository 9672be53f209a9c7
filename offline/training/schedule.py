"""The learning rate of a step, as a share of its peak."""

from __future__ import annotations

from ..recipe import Schedule

START = 1e-6


def rate_factor(step: int, steps: int, schedule: Schedule) -> float:
    """(steps left / steps) ** power, times a linear ramp from START to 1 over the warm-up. step: 0 is the first.

    Source: DAFormer's schedule (mmcv: poly by step, linear warm-up).
    """
    factor = (max(0, steps - step) / steps) ** schedule.power
    if step < schedule.warmup:
        factor *= START + (1 - START) * step / schedule.warmup
    return factor

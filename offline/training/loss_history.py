"""Losses and gradient norms of the last steps, kept on the device until somebody asks: a step never waits for the host."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch


class TrainingError(RuntimeError):
    """Training cannot go on. The text says at which step, why, and what to do."""


class LossHistory:
    """add() every step, fetch() now and then."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, tuple[str, ...], torch.Tensor]] = []

    def add(self, step: int, values: Mapping[str, torch.Tensor]) -> None:
        """values: scalars on one device, by name."""
        self._steps.append((step, tuple(values), torch.stack([value.detach().float() for value in values.values()])))

    def fetch(self) -> dict[str, float]:
        """The mean of every value over the steps added since the last call, after waiting for the device.

        Raises TrainingError for the first value that is not finite.
        """
        steps, self._steps = self._steps, []
        if not steps:
            return {}
        numbers = iter(torch.cat([values for *_, values in steps]).tolist())
        found: dict[str, list[float]] = {}
        for step, names, _ in steps:
            for name in names:
                number = next(numbers)
                if not math.isfinite(number):
                    raise TrainingError(f'step {step}: {name} is {number}')
                found.setdefault(name, []).append(number)
        return {name: sum(values) / len(values) for name, values in found.items()}

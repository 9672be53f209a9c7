"""What a method lets be optimised, in groups: encoders, heads, and vectors, which are not decayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from ..methods import Method
from ..recipe import Optimiser, Schedule
from .schedule import rate_factor

MAIN, DISCRIMINATOR = 'main', 'discriminator'
PEAK = 'peak_lr'


def make_optimisers(method: Method, settings: Mapping[str, Optimiser]) -> dict[str, torch.optim.Optimizer]:
    """One optimiser for each name ('main', 'discriminator') that the method's groups ask for.

    settings: by that name. Heads (what `head_parts` of a network or of an auxiliary head names) get head_factor times the
    rate; parameters of one dimension or none (biases, norms) are not decayed. One that no group names is not trained.
    """
    heads, groups = _heads(method), {}
    for group in method.param_groups():
        name = group['optimiser']
        if name not in settings or set(group) != {'params', 'optimiser'}:
            raise ValueError(f'{type(method).__name__}.param_groups: expected params and optimiser '
                             f'({" or ".join(settings)}), got {sorted(group)} with optimiser {name!r}')
        groups.setdefault(name, []).extend(parameter for _, parameter in group['params'] if parameter.requires_grad)
    return {name: _optimiser(_split(parameters, heads, settings[name]), settings[name])
            for name, parameters in groups.items() if parameters}


def set_rates(optimisers: Iterable[torch.optim.Optimizer], step: int, steps: int, schedule: Schedule) -> None:
    """Set the learning rate of every group for `step`."""
    factor = rate_factor(step, steps, schedule)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group['lr'] = group[PEAK] * factor


def parameters_of(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group['params']]


def _heads(method: Method) -> set[int]:
    """The id of every parameter of a head."""
    return {id(parameter) for module in method.modules() for part in getattr(module, 'head_parts', ())
            for parameter in getattr(module, part).parameters()}


def _split(parameters: list[nn.Parameter], heads: set[int], settings: Optimiser) -> list[dict[str, Any]]:
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault((id(parameter) in heads, parameter.ndim > 1), []).append(parameter)
    return [{'params': members, PEAK: settings.lr * (settings.head_factor if head else 1),
             'weight_decay': settings.weight_decay if decayed else 0.0}
            for (head, decayed), members in groups.items()]


def _optimiser(groups: list[dict[str, Any]], settings: Optimiser) -> torch.optim.Optimizer:
    """Fused: one pass over the memory, which on a CPU too is several times faster than one for each operation."""
    if settings.name == 'sgd':
        return torch.optim.SGD(groups, settings.lr, momentum=settings.momentum, fused=True)
    return torch.optim.AdamW(groups, settings.lr, betas=settings.betas, fused=True)

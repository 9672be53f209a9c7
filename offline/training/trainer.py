"""The loop: batches in, steps of the optimisers out. It knows no method, no data set and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import torch

from ..methods import Method
from ..recipe import Optimiser, Recipe, Schedule, Stage
from ..samples import Batch
from .allocator import keep_freed_memory
from .distributed import World, average_statistics, some_unused, wrap
from .loss_history import LossHistory
from .optimisers import DISCRIMINATOR, MAIN, make_optimisers, parameters_of, set_rates
from .seeding import seed_torch


def autocast(device: torch.device) -> AbstractContextManager:
    """bfloat16 where the GPU has it. Never on a CPU: there it is slow, and NaN in dilated depthwise convolutions."""
    usable = device.type == 'cuda' and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=usable)


def make_trainer(recipe: Recipe, stage: Stage, method: Method, seed: int, world: World) -> Trainer:
    """A trainer with the stage's settings, or the recipe's where the stage has none."""
    if world.device.type == 'cuda':  # every step has the same shapes, and weights in float32 need no more than TF32
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision('high')
    elif world.device.type == 'cpu':
        keep_freed_memory()
    return Trainer(method, stage.steps, seed, stage.optimiser or recipe.optimiser,
                   stage.discriminator or recipe.discriminator, stage.schedule or recipe.schedule, world)


class Trainer:
    """Trains a method for `steps` steps.

    seed: what makes this training's random numbers its own; those of a step depend on it, the step and the rank alone, so
    a resumed training draws the same. step: how many steps are done. The host never waits for the device within a step:
    losses stay there until `history.fetch`.
    """

    def __init__(self, method: Method, steps: int, seed: Any, optimiser: Optimiser, discriminator: Optimiser,
                 schedule: Schedule, world: World) -> None:
        self.method = method.to(world.device, memory_format=torch.channels_last)
        self.steps, self.seed, self.schedule, self.world = steps, seed, schedule, world
        self._clips = {MAIN: optimiser.clip, DISCRIMINATOR: discriminator.clip}
        self.optimisers = make_optimisers(method, {MAIN: optimiser, DISCRIMINATOR: discriminator})
        self.step, self.history = 0, LossHistory()
        self._wrapped: torch.nn.Module | None = None

    def fit(self, batches: Iterable[Batch], after_step: Callable[[Batch], None] = lambda batch: None) -> None:
        """Train until `steps`. batches: those from `step` on. after_step: called with each batch after its step."""
        self.method.train()
        for batch in batches:
            self.train_step(batch)
            after_step(batch)
            if self.step >= self.steps:
                break

    def train_step(self, batch: Batch, mark: Callable[[str], None] = lambda part: None) -> None:
        """One step. mark: called with the name of each part when the host is through with it."""
        set_rates(self.optimisers.values(), self.step, self.steps, self.schedule)
        batch = batch.to(self.world.device)
        if self._wrapped is None:
            self._wrapped = self._wrap(batch)
        losses = self._losses(self._wrapped, batch)
        mark('forward')
        self._sum(losses).backward()
        mark('backward')
        norms = {f'gradient of {name}': self._update(optimiser, self._clips[name])
                 for name, optimiser in self.optimisers.items()}
        mark('optimiser')
        average_statistics(self.method, self.world)
        self.method.after_step(self.step)
        self.history.add(self.step, {**losses, **norms})
        self.step += 1
        mark('rest')

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next steps depend on, beside the recipe and the data."""
        return {'step': self.step, 'method': self.method.state_dict(),
                'optimisers': {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.method.load_state_dict(state['method'])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state['optimisers'][name])
        self.step = state['step']

    def _losses(self, module: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        seed_torch(self.seed, self.step, self.world.rank)
        with autocast(self.world.device):
            return module(batch, self.step)

    @staticmethod
    def _sum(losses: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.stack([loss.float() for loss in losses.values()]).sum()

    @staticmethod
    def _update(optimiser: torch.optim.Optimizer, clip: float | None) -> torch.Tensor:
        """Clip, step, forget the gradients. Returns the norm of the gradient before clipping."""
        parameters = parameters_of(optimiser)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return torch.zeros((), device=parameters[0].device)
        norm = torch.nn.utils.get_total_norm(gradients)
        if clip is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, clip, norm)
        optimiser.step()
        optimiser.zero_grad()
        return norm

    def _wrap(self, batch: Batch) -> torch.nn.Module:
        """The method for this world. A trial of the first step, undone afterwards, tells DDP whether to look for parameters
        that get no gradient, which costs time in every step.
        """
        if self.world.size == 1:
            return self.method
        before = {name: tensor.clone() for name, tensor in self.method.state_dict().items()}
        unused = some_unused(self.method, self._sum(self._losses(self.method, batch)), self.world)
        self.method.load_state_dict(before)
        return wrap(self.method, unused, self.world)

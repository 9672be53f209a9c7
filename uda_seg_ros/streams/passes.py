"""What work in the background costs, counted as it is done, in forward passes of the network at its full size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from ..models import SegmentationModel

LEARNING = 3.0  # a pass with its way back costs as three (COMPUTED: back is twice forward)


class Passes:
    """done: forward passes of networks called meanwhile, each in proportion to the pixels of its input."""

    def __init__(self, size: tuple[int, int]) -> None:
        """size: (height, width) whose pass counts as one."""
        self.done = 0.0
        self._pixels = size[0] * size[1]

    def _called(self, module: torch.nn.Module, inputs: tuple) -> None:
        if not isinstance(module, SegmentationModel):
            return
        image = inputs[0]
        learns = torch.is_grad_enabled() and any(parameter.requires_grad for parameter in module.parameters())
        self.done += image.shape[0] * image.shape[2:].numel() / self._pixels * (LEARNING if learns else 1.0)


@contextmanager
def counted(size: tuple[int, int]) -> Iterator[Passes]:
    """Counts every network that is called as a module within; what runs a network in halves counts itself."""
    passes = Passes(size)
    hook = register_module_forward_pre_hook(passes._called)
    try:
        yield passes
    finally:
        hook.remove()

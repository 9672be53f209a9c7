"""What is served: a point on the way from the frozen weights to a teacher's, and a share of the target in the statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Serving:
    """scale: 0 (frozen) to 1 (teacher). share: of the target's statistics. teacher: parameters by name. buffers: the floor's
    mixed statistics at that share. passed, shift: the scale that passed the gate, and the shift score then; shift 0: the
    scale depends on none.
    """

    scale: float = 0.0
    share: float = 0.0
    teacher: Tensors = field(default_factory=dict)
    buffers: Tensors = field(default_factory=dict)
    passed: float = 0.0
    shift: float = 0.0

    @property
    def is_frozen(self) -> bool:
        return not self.scale and not self.share

    def scale_at(self, shift: float) -> float:
        """In proportion to what is left of the shift that the weights passed the gate in: what suits a storm is too much
        for a drizzle.
        """
        return self.passed * min(1.0, max(0.0, shift) / self.shift) if self.shift else self.scale

    def without_teacher(self) -> Serving:
        """The statistics alone."""
        return Serving(share=self.share, buffers=self.buffers)

    def tensors(self, frozen: Tensors) -> dict[str, torch.Tensor]:
        """A complete set by the bundle's names; the frozen tensors' values, bit for bit, where nothing is to change."""
        teacher = self.teacher if self.scale else {}
        changed = {name: frozen[name].lerp(tensor, self.scale) for name, tensor in teacher.items()}
        return {**frozen, **changed, **(self.buffers if self.share else {})}

    def state_dict(self) -> dict:
        return {**vars(self), 'teacher': dict(self.teacher), 'buffers': dict(self.buffers)}

    @staticmethod
    def of(state: Mapping, frozen: Tensors) -> Serving:
        """From a state_dict, which a file holds on the CPU."""
        return Serving(**{**state, **{name: beside(frozen, state[name]) for name in ('teacher', 'buffers')}})


def beside(frozen: Tensors, tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors by the bundle's names, where the frozen ones are."""
    return {name: tensor.to(frozen[name].device) for name, tensor in tensors.items()}

"""The learner: a student that starts at the frozen weights and is held near them; its teacher is its last steps' mean."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import torch
from torch import nn

from ..self_training.ema import Average, EMATeacher
from ..self_training.losses import cross_entropy
from .anchor import Anchor
from .batch import Batch
from .floor import norm_layers
from .pictures import Normalise
from .serving import Tensors
from .settings import TrainingSettings


class Learner:
    """Student, teacher and optimiser. step: of training, since the start. left: steps of the present shift.

    A network never runs in training mode here: BatchNorm normalises by what it is given. Clean source is seen through the
    source's statistics, restyled source and target through the floor's, as they are when served.
    """

    def __init__(self, anchor: Anchor, normalise: Normalise, settings: TrainingSettings) -> None:
        self._anchor, self._normalise, self._settings = anchor, normalise, settings
        self.step = 0
        self.rate = 1.0
        self.restart({})

    def restart(self, parameters: Tensors) -> None:
        """Student and teacher anew at the frozen weights, or at those of them that are given."""
        self.student = copy.deepcopy(self._anchor.network).requires_grad_(True).eval()
        with torch.no_grad():
            for name, parameter in self.student.named_parameters():
                parameter.copy_(parameters.get(name, parameter))
        self.teacher = EMATeacher(self.student, Average(self._settings.decay))
        self._optimiser = torch.optim.AdamW(self._groups(), weight_decay=0.0)
        self._age = self.left = self._planned = 0

    def begin(self, shift: float) -> None:
        """A new shift was detected, of this score: so many steps follow."""
        least, most = self._settings.steps
        self._planned = self.left = int(min(max(self._settings.steps_per_shift * shift, least), most))
        self._age = 0

    def parameters(self) -> dict[str, torch.Tensor]:
        """The teacher's, a copy."""
        return {name: parameter.detach().clone() for name, parameter in self.teacher.network.named_parameters()}

    def train(self, batch: Batch, source: Tensors, mixed: Tensors) -> float:
        """One step; its loss. source, mixed: the statistics of BatchNorm, by the bundle's names; empty without BatchNorm.

        NaN where it or its gradient is not finite; then nothing changes.
        """
        settings = self._settings
        for group in self._optimiser.param_groups:
            group['lr'] = group['base'] * self.rate * max(self.left, 0) / max(self._planned, 1)
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._learn(batch.source, batch.source_label, None, settings.restyled if batch.styled else settings.clean,
                           mixed if batch.styled else source)
        if batch.target is not None and settings.target:
            loss += self._learn(batch.target, batch.target_label, batch.target_weight, settings.target, mixed)
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.left -= 1
        if not (math.isfinite(loss) and bool(torch.isfinite(norm))):
            return math.nan
        self._optimiser.step()
        if settings.leash:
            self._hold(settings.kappa)
        self.teacher.update(self.student, self._age)
        self._age += 1
        self.step += 1
        return loss

    def _learn(self, image: torch.Tensor, label: torch.Tensor, pixel_weight: torch.Tensor | None, weight: float,
               statistics: Tensors) -> float:
        set_buffers(self.student, statistics)
        logits = self.student(self._normalise(image), tuple(label.shape[-2:]))
        loss = weight * cross_entropy(logits, label, pixel_weight)
        loss.backward()
        return float(loss.detach())

    @property
    def styled(self) -> bool:
        """Whether the next step's source crop stands for the target: every other one."""
        return self._age % 2 == 1

    @torch.no_grad()
    def _hold(self, kappa: float) -> None:
        """Pull every weight a little towards the frozen one, and each group back into its radius."""
        names, parameters = zip(*self.student.named_parameters())
        frozen = [self._anchor.tensors[name] for name in names]
        torch._foreach_lerp_(list(parameters), frozen, kappa)
        distances = torch._foreach_norm(torch._foreach_sub(list(parameters), frozen))
        norms = torch._foreach_norm(frozen)
        kept = [self._settings.radius * _norm(norm, tensor) / distance.clamp(min=1e-12)
                for norm, tensor, distance in zip(norms, frozen, distances)]
        for parameter, own, share in zip(parameters, frozen, torch.stack(kept).tolist()):
            if share < 1:
                parameter.copy_(own.lerp(parameter, share))

    def _groups(self) -> list[dict]:
        """Head and norms at one rate, everything else at a lower one; a rate of 0 freezes."""
        settings, network = self._settings, self.student
        quick = {id(parameter) for part in network.head_parts for parameter in network.get_submodule(part).parameters()}
        quick |= {id(parameter) for module in network.modules() if isinstance(module, (nn.LayerNorm, nn.GroupNorm))
                  for parameter in module.parameters()}
        quick |= {id(parameter) for module in norm_layers(network).values() for parameter in module.parameters()}
        groups = []
        for rate, wanted in ((settings.head_rate, True), (settings.body_rate, False)):
            parameters = [each for each in network.parameters() if (id(each) in quick) == wanted]
            for parameter in parameters:
                parameter.requires_grad_(rate > 0)
            if rate > 0 and parameters:
                groups.append({'params': parameters, 'lr': rate, 'base': rate})
        return groups

    def state_dict(self) -> dict:
        return {'student': self.student.state_dict(), 'teacher': self.teacher.network.state_dict(),
                'optimiser': self._optimiser.state_dict(), 'step': self.step, 'rate': self.rate,
                'age': self._age, 'left': self.left, 'planned': self._planned}

    def load_state_dict(self, state: Mapping) -> None:
        """At the rates that are set now, whatever they were."""
        rates = [group['base'] for group in self._optimiser.param_groups]
        self.student.load_state_dict(state['student'])
        self.teacher.network.load_state_dict(state['teacher'])
        self._optimiser.load_state_dict(state['optimiser'])
        for group, rate in zip(self._optimiser.param_groups, rates):
            group['base'] = rate
        self.step, self.rate, self._age = state['step'], state['rate'], state['age']
        self.left, self._planned = state['left'], state['planned']


def set_buffers(network: nn.Module, buffers: Tensors) -> None:
    """Give BatchNorm other statistics; new tensors in place of the old, which a backward pass may still need."""
    for name, tensor in buffers.items():
        owner, _, attribute = name.rpartition('.')
        setattr(network.get_submodule(owner), attribute, tensor.clone())


def deviation(parameters: Tensors, frozen: Tensors) -> float:
    """Largest distance of a group of weights, as a share of the frozen one's norm."""
    return max((float((tensor - frozen[name]).norm() / _norm(frozen[name].norm(), tensor))
                for name, tensor in parameters.items()), default=0.0)


def _norm(norm: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Of a group of weights; not less than that of weights of 0.001, for groups that start at 0."""
    return norm.clamp(min=1e-3 * tensor.numel() ** 0.5)

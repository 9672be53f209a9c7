"""The statistics floor: BatchNorm normalises by a mix of the source's statistics and slow ones of the target; no gradients.

Source: the mix of Schneider et al., 2020 (arXiv 2006.16971), with slow statistics of key-frames in place of a batch's.
Networks without BatchNorm have no floor: `layers` is empty, and everything here does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

MEAN, VAR = 'running_mean', 'running_var'


def norm_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The BatchNorm layers that normalise by running statistics, by name."""
    return {name: module for name, module in network.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats}


class Floor:
    """Slow statistics of the target, measured on a copy of the frozen network.

    Each layer is measured behind layers that normalise by the mix already: statistics behind the source's would not fit what
    the mixed network feeds its later layers. num_seen: pictures measured since the last restart.
    """

    def __init__(self, network: nn.Module, rate: float) -> None:
        """network: the frozen one's copy, for the floor alone. rate: weight of a new picture, less than the first ones'."""
        self.network, self._rate = network, rate
        self.layers = norm_layers(network)
        self._source = {name: (module.running_mean.clone(), module.running_var.clone())
                        for name, module in self.layers.items()}
        self._share = 0.0
        self.restart()
        for name, module in self.layers.items():
            module.register_forward_pre_hook(
                lambda module, inputs, name=name: self._normalise_by_mix(name, module, inputs[0]))

    def restart(self) -> None:
        """Forget the target."""
        self.num_seen = 0
        self._mean: dict[str, torch.Tensor] = {}
        self._square: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def measure(self, image: torch.Tensor, share: float) -> torch.Tensor | None:
        """Take in one picture. image: 13HW, normalised. share: of the target's statistics that earlier layers mix in.

        What the network says of it with that share of the statistics as they are now, logits 1Chw; None without BatchNorm.
        """
        if not self.layers:
            return None
        self._share = share
        logits = self.network(image)
        self.num_seen += 1
        return logits

    def _normalise_by_mix(self, name: str, module: nn.Module, values: torch.Tensor) -> None:
        mean, square = values.mean((0, 2, 3)), values.square().mean((0, 2, 3))
        if name in self._mean:
            weight = max(self._rate, 1 / (self.num_seen + 1))
            mean, square = self._mean[name].lerp(mean, weight), self._square[name].lerp(square, weight)
        self._mean[name], self._square[name] = mean, square
        module.running_mean, module.running_var = self._mixed(name, self._share)

    def _mixed(self, name: str, share: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance of a mixture of source and target with weights 1 - share and share."""
        mean0, var0 = self._source[name]
        mean = self._mean[name]
        var = (self._square[name] - mean ** 2).clamp(min=0)
        return (mean0.lerp(mean, share),
                (1 - share) * var0 + share * var + share * (1 - share) * (mean - mean0) ** 2)

    def buffers(self, share: float) -> dict[str, torch.Tensor]:
        """running_mean and running_var of all layers by the bundle's names; the source's own, bit for bit, at share 0."""
        found = {}
        for name in self.layers:
            mean, var = self._mixed(name, share) if share and self.num_seen else self._source[name]
            found |= {f'{name}.{MEAN}': mean.clone(), f'{name}.{VAR}': var.clone()}
        return found

    def state_dict(self) -> dict:
        return {'num_seen': self.num_seen, 'mean': dict(self._mean), 'square': dict(self._square)}

    def load_state_dict(self, state: Mapping) -> None:
        self.num_seen = state['num_seen']
        self._mean, self._square = ({name: values.to(self._source[name][0].device) for name, values in state[kind].items()}
                                    for kind in ('mean', 'square'))

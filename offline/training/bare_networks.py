"""What a method's networks alone cost: the calls of one step are recorded and then repeated on constant inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.nn import functional

from uda_seg_ros.models import SegmentationModel

from ..methods import Method
from .trainer import autocast


@dataclass(frozen=True, eq=False)
class Call:
    """One forward through a network. trained: with gradient, so a backward follows. image: a constant of the shape seen."""

    network: SegmentationModel
    name: str
    image: torch.Tensor
    trained: bool


@dataclass
class Calls:
    """The calls of one step."""

    calls: list[Call] = field(default_factory=list)

    def words(self) -> list[str]:
        """One entry for each kind of call."""
        kinds = Counter(f'{call.name}: {"x".join(map(str, call.image.shape))}, '
                        f'{"forward + backward" if call.trained else "forward"}' for call in self.calls)
        return [kind if number == 1 else f'{number} times {kind}' for kind, number in kinds.items()]

    def replay(self) -> None:
        """Every forward, a cross-entropy at the network's own resolution for the trained ones, and one backward."""
        losses = []
        for call in self.calls:
            with torch.set_grad_enabled(call.trained), autocast(call.image.device):
                logits = call.network(call.image)
                if call.trained:
                    losses.append(functional.cross_entropy(logits.float(), torch.zeros_like(logits[:, 0], dtype=torch.long)))
        if losses:
            torch.stack(losses).sum().backward()
        for call in self.calls:
            call.network.zero_grad()


@contextmanager
def record_calls(method: Method) -> Iterator[Calls]:
    """Notes every pass through the encoder of one of the method's networks while it is open."""
    calls = Calls()
    networks = {name: module for name, module in method.named_modules() if isinstance(module, SegmentationModel)}

    def recorder(name: str, network: SegmentationModel):
        encode = network.forward_features

        def forward_features(image: torch.Tensor) -> tuple[torch.Tensor, ...]:
            trained = torch.is_grad_enabled() and any(parameter.requires_grad for parameter in network.parameters())
            calls.calls.append(Call(network, name.removeprefix('networks.'), torch.full_like(image.detach(), 0.1), trained))
            return encode(image)
        return forward_features
    for name, network in networks.items():
        network.forward_features = recorder(name, network)
    try:
        yield calls
    finally:
        for network in networks.values():
            del network.forward_features

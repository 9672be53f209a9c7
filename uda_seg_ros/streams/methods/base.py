"""What a method is to the benchmark, and the network that a learning method calls its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import nn

from ...bundle import Bundle
from ...runtime.engine import choose_device
from ...runtime.postprocess import Postprocessor, Want, on_device
from ...runtime.preprocess import Preprocessor
from ...structures import Frame
from ..clock import PACE, Pace
from ..footage import Footage


@dataclass(frozen=True, eq=False)
class Setting:
    """What a method is made from. size: (height, width) of the network's input, None for the bundle's. seed: of its chances.

    other: the same schedule on other drives, with labels, for methods that may look at labels; None for all others.
    """

    bundle: Bundle
    size: tuple[int, int] | None = None
    device: str = 'cpu'
    seed: int = 0
    pace: Pace = PACE
    other: Footage | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """mask: HxW uint8 train ids of the bundle. forwards: what serving and learning in turn cost, in forward passes.

    events: (kind, text). signals: of this frame, found without labels.
    """

    mask: np.ndarray
    forwards: float = 1.0
    events: tuple[tuple[str, str], ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)


class Method(Protocol):
    """Made from a `Setting`, called frame by frame. What it learns of one frame serves the next at the earliest."""

    def __call__(self, frame: Frame, index: int) -> Answer: ...


class Learner:
    """A network of a method's own with a bundle's weights: whole, not folded, ready to be trained.

    network: in evaluation mode; all parameters without gradient until `train` asks for some.
    """

    def __init__(self, setting: Setting) -> None:
        bundle = setting.bundle
        self.bundle, self.device = bundle, choose_device(setting.device)
        self.network = bundle.network().requires_grad_(False).to(self.device)
        self.num_classes = bundle.labels.num_classes
        self._preprocess = bundle.preprocess
        if setting.size is not None:
            self._preprocess = dataclasses.replace(
                bundle.preprocess, height=setting.size[0], width=setting.size[1], keep_aspect=False)
        self._preprocessor = Preprocessor(bundle.preprocess.mean, bundle.preprocess.std, self.device, torch.float32)
        self._postprocessor = on_device if self.device.type == 'cuda' else Postprocessor()

    def image(self, picture: np.ndarray) -> torch.Tensor:
        """1x3xhxw, normalised, of HxWx3 uint8 RGB."""
        return self._preprocessor([picture], self.size(*picture.shape[:2])).clone()

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the network's input."""
        return self._preprocess.network_size(height, width, self.network.multiple)

    def label(self, label: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
        """1xhxw int64 at the size of the network's input."""
        rows, columns = ((np.arange(wanted) * have // wanted) for wanted, have in zip(size, label.shape))
        return torch.from_numpy(label[rows[:, None], columns].astype(np.int64))[None].to(self.device)

    def mask(self, logits: torch.Tensor, frame: Frame) -> np.ndarray:
        """HxW uint8 at the frame's size, of logits 1xCxhxw."""
        return self._postprocessor(logits.detach()[0], frame.image.shape[:2], Want()).mask

    @torch.no_grad()
    def segment(self, frame: Frame) -> np.ndarray:
        return self.mask(self.network(self.image(frame.image)), frame)

    def restore(self, network: nn.Module | None = None) -> None:
        """The bundle's weights again, in the given network or the own one."""
        (network or self.network).load_state_dict(dict(self.bundle.tensors))


def norm_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Scale and shift of every normalising layer, asked to take gradients."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
    found = [parameter for module in network.modules() if isinstance(module, kinds)
             for parameter in module.parameters(recurse=False)]
    for parameter in found:
        parameter.requires_grad_(True)
    return found


def step(loss: torch.Tensor, optimiser: torch.optim.Optimizer, parameters: Iterable[nn.Parameter] = ()) -> None:
    """One step down a loss; the norm of the gradient is clipped to 1 where parameters are given."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if parameters := list(parameters):
        nn.utils.clip_grad_norm_(parameters, 1.0)
    optimiser.step()

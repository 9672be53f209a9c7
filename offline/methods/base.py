"""What a method is: a batch goes in, named losses come out. It knows no device, optimiser, loop or file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel

from ..samples import Batch

TRAINED, FROZEN = 'trained', 'frozen'


class Method(nn.Module):
    """Base of the methods; none derives from another.

    ROLES: the networks that a recipe must give, each TRAINED (gets gradients) or FROZEN (eval mode and no gradient, for
    good). OPTIONAL: roles that may be left out; a stage that wants one names it. NEEDS_TARGET: batches have target images,
    and a recipe without any is refused. LABELS_TARGET: before the first step the target set is labelled by `label_target`,
    and batches carry the result as target_label.

    watch: detached tensors of the last step, by name, for pictures in TensorBoard: images B3HW in 0..1, labels BHW int64,
    logits BCHW (whose labels are found when the picture is made), pixel weights BHW float.
    """

    ROLES: ClassVar[Mapping[str, str]] = {'student': TRAINED}
    OPTIONAL: ClassVar[Mapping[str, str]] = {}
    NEEDS_TARGET: ClassVar[bool] = True
    LABELS_TARGET: ClassVar[bool] = False

    @dataclass(frozen=True)
    class Config:
        """Nothing can be set."""

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        """networks: by role. preprocess: mean and std are used to normalise."""
        super().__init__()
        self.config = config
        self.networks = nn.ModuleDict(networks)
        self.frozen = [network for role, network in networks.items()
                        if {**self.ROLES, **self.OPTIONAL}.get(role) == FROZEN]
        for network in self.frozen:
            network.requires_grad_(False).eval()
        self.register_buffer('mean', torch.tensor(preprocess.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(preprocess.std).view(1, 3, 1, 1), persistent=False)
        self.watch: dict[str, torch.Tensor] = {}

    @property
    def student(self) -> SegmentationModel:
        return self.networks['student']

    @property
    def num_classes(self) -> int:
        return self.student.num_classes

    def train(self, mode: bool = True) -> Method:
        """Frozen networks stay in eval mode."""
        super().train(mode)
        for network in self.frozen:
            network.eval()
        return self

    def normalise(self, image: torch.Tensor) -> torch.Tensor:
        """RGB in 0..1 to the networks' input."""
        return (image - self.mean) / self.std

    def check_start(self, started: Collection[str]) -> None:
        """Called when a recipe is checked, before anything is trained. started: the parts that earlier stages will give.

        Raises ConfigError for a part that must be among them: `prepare` would only find out hours later.
        """

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        """Called once, before step 0, in eval mode and without gradient, after the networks have their first weights.

        target: the whole target train set as image B3HW in 0..1 on the method's device, without augmentation; it may be
        iterated several times. What is learnt here belongs into buffers, so that a resumed run has it.
        """

    def label_target(self, image: torch.Tensor) -> torch.Tensor:
        """Pseudo-labels BHW int64 for one image B3HW in 0..1 of the target set, if LABELS_TARGET. Called before prepare."""
        raise NotImplementedError

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        """Weighted losses by name; their sum is what is minimised."""
        raise NotImplementedError

    def after_step(self, step: int) -> None:
        """Called after the optimiser's step."""

    def param_groups(self) -> list[dict[str, Any]]:
        """What is optimised: 'params' as (name, parameter) pairs, 'optimiser': 'main' or 'discriminator'.

        The trainer splits a group further into encoder and head, decayed and not.
        """
        named = [(name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad]
        return [{'params': named, 'optimiser': 'main'}]

    def parts(self) -> dict[str, nn.Module]:
        """What a later stage may start from and what this one may be started with, by name; the networks by their role."""
        return dict(self.networks)

    def network(self) -> SegmentationModel:
        """What goes to the vehicle."""
        return self.student

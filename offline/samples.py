"""What flows from data to methods: one labelled picture, and one step's worth of source and target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture of a data set.

    image: HxWx3 uint8 RGB. label: HxW uint8 train ids with IGNORE, None where the data set has no labels. name: unique in
    its data set, for reports and errors.
    """

    image: np.ndarray
    label: np.ndarray | None
    name: str


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's source and target, side by side. Target ground truth never is in here.

    source_image, target_image: B3HW, uint8 as the loader makes them, float32 RGB in 0..1 after `to`. source_label: BHW
    uint8, int64 after `to`. target_label: pseudo-labels that the stage's method made beforehand for the whole target set,
    cropped as the image; None unless the method asks for them (Method.LABELS_TARGET).
    """

    source_image: torch.Tensor
    source_label: torch.Tensor
    target_image: torch.Tensor | None = None
    target_label: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """On the device, as floats in 0..1 and int64 labels: bytes travel, the device converts them."""
        def image(tensor: torch.Tensor | None) -> torch.Tensor | None:
            if tensor is None:
                return None
            moved = tensor.to(device, non_blocking=True).to(memory_format=torch.channels_last)
            return moved if moved.is_floating_point() else moved.float() / 255

        def label(tensor: torch.Tensor | None) -> torch.Tensor | None:
            return None if tensor is None else tensor.to(device, non_blocking=True).long()
        return Batch(image(self.source_image), label(self.source_label), image(self.target_image), label(self.target_label))

    def pin_memory(self) -> Batch:
        """For torch's loader."""
        return Batch(*(None if tensor is None else tensor.pin_memory() for tensor in vars(self).values()))

"""Tensors of a training step as pictures: images, labels in the palette's colours, pixel weights in grey."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from uda_seg_ros.labels import LabelSpace
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.ema import EMATeacher

from ..methods import Method
from ..samples import Batch


class Pictures:
    """Makes HxWx3 uint8 of the first of each batch.

    A tensor is known by its form: B3HW float is an image in 0..1, BCHW of more channels logits, BHW of whole numbers a
    label, BHW of booleans or floats a weight in 0..1.
    """

    def __init__(self, labels: LabelSpace) -> None:
        self._palette = labels.palette()

    def __call__(self, **tensors: torch.Tensor | None) -> dict[str, np.ndarray]:
        return {name: self.picture(tensor) for name, tensor in tensors.items() if tensor is not None}

    def picture(self, tensor: torch.Tensor) -> np.ndarray:
        """One tensor, see the class."""
        first = tensor[0].detach().to('cpu')
        if first.ndim == 3 and first.shape[0] != 3:
            first = first.argmax(0)
        if first.ndim == 3:
            return _bytes(first.movedim(0, -1))
        if first.is_floating_point() or first.dtype == torch.bool:
            return _bytes(first[..., None].expand(-1, -1, 3))
        return self._palette[first.to(torch.uint8).numpy()]


def _bytes(picture: torch.Tensor) -> np.ndarray:
    """HxWx3 float in 0..1 to uint8."""
    return (picture.float().clamp(0, 1) * 255).round().to(torch.uint8).numpy()


@torch.no_grad()
def predictions(method: Method, image: torch.Tensor) -> Mapping[str, torch.Tensor]:
    """What each of the method's parts that is a network, students and teachers, says of image B3HW in 0..1: labels BHW.

    It changes nothing: eval mode, and the random numbers of the next step are seeded anew.
    """
    networks = {name: part for name, part in method.parts().items() if isinstance(part, (SegmentationModel, EMATeacher))}
    method.eval()
    size = tuple(image.shape[-2:])
    found = {name: network(method.normalise(image), size).argmax(1) for name, network in networks.items()}
    method.train()
    return found


def of_step(batch: Batch, method: Method) -> dict[str, torch.Tensor | None]:
    """Everything worth seeing of a step, by name."""
    target = batch.source_image[:1] if batch.target_image is None else batch.target_image[:1]
    return {'source image': batch.source_image, 'source label': batch.source_label, 'target image': batch.target_image,
            'target label': batch.target_label,
            **{f'prediction of {name}': label for name, label in predictions(method, target).items()},
            **{f'method {name}': tensor for name, tensor in method.watch.items()}}

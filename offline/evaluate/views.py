"""Ways of looking at a picture that a vehicle has no time for: windows that slide over it, and its mirror image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.runtime.postprocess import Want
from uda_seg_ros.structures import Frame

Predictor = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Views:
    """slide: windows instead of the whole input. window: their (height, width) in pixels of the network's input, by default
    squares as high as its shorter side. overlap: share of a window that the next one sees again, at least. flip: mean of
    picture and mirror image. size: (height, width) of the network's input instead of the bundle's.
    """

    slide: bool = False
    window: tuple[int, int] | None = None
    overlap: float = 1 / 3
    flip: bool = False
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < 1:
            raise ConfigError(f'overlap must be from 0 to below 1, got {self.overlap}')


def predictor(engine: Engine, views: Views) -> Predictor:
    """image HxWx3 uint8 RGB -> (mask HxW uint8 train ids, confidence HxW uint8), through the engine's own stages.

    views.size is the engine's affair. Without slide and flip it is a plain call of the engine.
    """
    def plain(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        answer = engine(Frame(image))
        return answer.mask, answer.confidence

    def viewed(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        preprocess, network, postprocess = engine.stages()
        with torch.inference_mode():
            logits = look(network, preprocess([image], engine.network_size(*image.shape[:2])), views)
            answer = postprocess(logits[0], image.shape[:2], Want(confidence=True))
        return answer.mask, answer.confidence
    return viewed if views.slide or views.flip else plain


def look(network: SegmentationModel, image: torch.Tensor, views: Views) -> torch.Tensor:
    """Logits 1Chw of one normalised image 1x3xHxW: mean of logits over windows, of probs over flips."""
    def once(image: torch.Tensor) -> torch.Tensor:
        return slide(network, image, views) if views.slide else network(image).float()
    logits = once(image)
    if not views.flip:
        return logits
    mirrored = once(image.flip(-1)).flip(-1)
    probs = (logits.softmax(1) + mirrored.softmax(1)) / 2
    return probs.clamp(min=torch.finfo(probs.dtype).tiny).log()


def slide(network: SegmentationModel, image: torch.Tensor, views: Views) -> torch.Tensor:
    """Mean logits 1Chw of the windows that see a pixel. They are laid on the logits' own grid: nothing is interpolated."""
    size, stride = image.shape[-2:], network.stride
    wanted = views.window or (min(size), min(size))
    window = tuple(min(side, max(network.multiple, round(length / network.multiple) * network.multiple))
                   for side, length in zip(size, wanted))
    total = image.new_zeros((1, network.num_classes, *(side // stride for side in size)), dtype=torch.float32)
    count = torch.zeros_like(total[:, :1])
    for top in starts(size[0], window[0], views.overlap, network.multiple):
        for left in starts(size[1], window[1], views.overlap, network.multiple):
            logits = network(image[..., top : top + window[0], left : left + window[1]]).float()
            place = (..., slice(top // stride, top // stride + logits.shape[-2]),
                     slice(left // stride, left // stride + logits.shape[-1]))
            total[place] += logits
            count[place] += 1
    return total / count


def starts(side: int, window: int, overlap: float, multiple: int) -> list[int]:
    """Where windows begin along a side, the last at its very end; all are multiples of `multiple`, as side and window."""
    step = max(multiple, int(window * (1 - overlap)) // multiple * multiple)
    return [*range(0, side - window, step), side - window]

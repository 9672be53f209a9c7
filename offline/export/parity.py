"""Proof that a bundle does on the vehicle what its network did at the desk."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import torch
from torch.nn import functional

from uda_seg_ros.bundle import Bundle, Preprocess
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame

LEAST = 0.999


def agreement(network: SegmentationModel, bundle: Bundle, images: Iterable[np.ndarray], device: str = 'auto') -> float:
    """Share in 0..1 of pixels to which plain torch and the engine give the same class, at the pictures' own sizes.

    network: as it was trained; runs in eval mode, in fp32, with nothing folded. bundle: as it was loaded anew. images:
    HxWx3 uint8 RGB, at least one.
    """
    engine = Engine(bundle, device=device, threads=torch.get_num_threads())
    network = network.eval().to(engine.device)
    same = total = 0
    with torch.backends.cudnn.flags(allow_tf32=False):  # TF32 rounds folded weights differently: near ties would flip
        for image in images:
            reference = plain_mask(network, bundle.preprocess, image, engine.network_size(*image.shape[:2]))
            same += int((engine(Frame(image), confidence=False).mask == reference).sum())
            total += reference.size
    return same / total


@torch.inference_mode()
def plain_mask(network: SegmentationModel, preprocess: Preprocess, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """HxW train ids, one obvious step after the other. size: (height, width) of the network's input."""
    device = next(network.parameters()).device
    small = torch.from_numpy(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)).to(device)
    mean, std = (torch.tensor(values, device=device) for values in (preprocess.mean, preprocess.std))
    normalised = ((small.float() / 255 - mean) / std).permute(2, 0, 1)[None]
    logits = functional.interpolate(network(normalised).float(), size=image.shape[:2], mode='bilinear', align_corners=False)
    return logits[0].argmax(0).cpu().numpy()

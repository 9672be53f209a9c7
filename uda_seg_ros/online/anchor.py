"""The frozen network: what it sees in a picture. It never changes, so the student cannot fool what is measured on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..bundle import Bundle
from ..runtime.preprocess import Preprocessor
from ..shift_signals import Moments, doubt, feature_distance, feature_moments, picture_signals, pixel_entropy


@dataclass(frozen=True, eq=False)
class Sight:
    """What the frozen network sees in one picture.

    picture: HxWx3 uint8 RGB, at the size of the network's input. moments: of the features' channels, one a layer. signals:
    as shift_signals.SIGNALS but the first, which is a distance to a source. embedding: D float32 of length 1, the mean over
    the picture of what the classifier sees. probs: Chw float32 at the network's stride. shares: C float32, of the pixels by
    class.
    """

    picture: np.ndarray
    moments: tuple[Moments, ...]
    signals: tuple[float, ...]
    embedding: torch.Tensor
    probs: torch.Tensor
    shares: torch.Tensor

    @property
    def mask(self) -> torch.Tensor:
        """hw int64 train ids."""
        return self.probs.argmax(0)

    @property
    def doubt(self) -> float:
        """0 to 1, as shift_signals.doubt."""
        return float(doubt(self.probs[None]))

    def all_signals(self, source: tuple[Moments, ...]) -> tuple[float, ...]:
        """In the order of shift_signals.SIGNALS."""
        return (feature_distance(self.moments, source), *self.signals)


class Anchor:
    """The bundle's network in eval mode, plain and unfolded, on `device`. tensors: by the bundle's names, never changed."""

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        self.device = device
        self.num_classes = bundle.labels.num_classes
        self.network = bundle.network().requires_grad_(False).to(device, memory_format=torch.channels_last)
        self.tensors = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.normalise = Preprocessor(bundle.preprocess.mean, bundle.preprocess.std, device, torch.float32)

    @torch.inference_mode()
    def look(self, picture: np.ndarray) -> Sight:
        """picture: HxWx3 uint8 RGB at a size that the network takes."""
        image = self.normalise([picture], picture.shape[:2])
        features = self.network.forward_features(image)
        embedding = self.network.forward_embedding(features)
        logits = self.network.forward_classifier(embedding).float()
        probs = logits.softmax(1)[0].cpu()
        mean = torch.nn.functional.normalize(embedding.float().mean((2, 3))[0], dim=0).cpu()
        shares = torch.bincount(probs.argmax(0).flatten(), minlength=self.num_classes) / probs[0].numel()
        moments = tuple(Moments(*(values.cpu() for values in layer)) for layer in feature_moments(features)[0])
        signals = (float(pixel_entropy(logits).mean()), *picture_signals(picture))
        return Sight(picture, moments, signals, mean, probs, shares)

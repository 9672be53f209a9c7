"""Logits to masks at full resolution, as if every logit were interpolated and then compared, at a fraction of the cost.

On the CPU one class after the other is interpolated by OpenCV into the same plane, which stays in the cache, and a running
maximum keeps the winner; the sum of the softmax runs along when somebody asks for confidence or entropy, so both are exact.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional

from ..labels import IGNORE

MOST_BUFFERS = 4  # sizes of output at once; beyond, buffers are made anew
LOWEST = -80.0  # exponentials below this are denormal numbers, which are slow, and nothing beside 1


class Answer(NamedTuple):
    """mask: HxW uint8. confidence: HxW uint8 (255 is certain) or None. entropy: HxW float32 in 0..1 or None."""

    mask: np.ndarray
    confidence: np.ndarray | None
    entropy: np.ndarray | None


class Want(NamedTuple):
    """What to compute. Where the confidence (0..1) is below `threshold` the mask is IGNORE."""

    confidence: bool = False
    entropy: bool = False
    threshold: float = 0.0


class Planes:
    """Buffers of HxW for one size of output."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.logit, self.best, self.exp, self.sum, self.moment = (np.empty(size, np.float32) for _ in range(5))
        self.floor = np.full(size, LOWEST, np.float32)
        self.wins = np.empty(size, np.uint8)

    def keep_winner(self, mask: np.ndarray, train_id: int) -> None:
        """Write `train_id` where its logit is above the best so far; as the ids rise, a maximum of ids does that."""
        cv2.compare(self.logit, self.best, cv2.CMP_GT, dst=self.wins)
        cv2.max(self.logit, self.best, dst=self.best)
        np.bitwise_and(self.wins, train_id, out=self.wins)
        np.maximum(mask, self.wins, out=mask)

    def start(self, clip: bool) -> None:
        self.clip = clip
        self.sum.fill(np.finfo(np.float32).tiny)  # no division by zero where every logit is far below a neighbour's
        self.moment.fill(0)

    def accumulate(self, logit: np.ndarray, entropy: bool) -> None:
        """Add one class to sum(exp(logit)) and, for the entropy, to sum(logit * exp(logit))."""
        exp = cv2.exp(cv2.max(logit, self.floor, dst=self.exp) if self.clip else logit, dst=self.exp)
        cv2.add(self.sum, exp, dst=self.sum)
        if entropy:
            cv2.accumulateProduct(logit, exp, self.moment)


class Postprocessor:
    """Logits on the CPU to masks. Keeps its buffers; not for two threads at once."""

    def __init__(self) -> None:
        self._planes: dict[tuple[int, int], Planes] = {}

    def __call__(self, logits: torch.Tensor, size: tuple[int, int], want: Want) -> Answer:
        """logits: Chw of any float type. size: (H, W) in pixels of the answer."""
        planes = self._buffers(size)
        statistics = want.confidence or want.entropy or want.threshold > 0
        logits = logits.float()
        if statistics:
            logits = logits - logits.amax(dim=0)  # the same shift for all classes of a pixel; no exponential overflows
            planes.start(clip=bool(logits.min() < LOWEST))
        mask = np.zeros(size, np.uint8)
        for train_id, coarse in enumerate(logits.contiguous().numpy()):
            first = train_id == 0
            plane = planes.best if first else planes.logit
            logit = cv2.resize(coarse, size[::-1], dst=plane, interpolation=cv2.INTER_LINEAR)
            if statistics:
                planes.accumulate(logit, want.entropy)
            if not first:
                planes.keep_winner(mask, train_id)
        return _finish(planes, mask, len(logits), want) if statistics else Answer(mask, None, None)

    def _buffers(self, size: tuple[int, int]) -> Planes:
        if size not in self._planes:
            if len(self._planes) == MOST_BUFFERS:
                self._planes.clear()
            self._planes[size] = Planes(size)
        return self._planes[size]


def _finish(planes: Planes, mask: np.ndarray, num_classes: int, want: Want) -> Answer:
    entropy = None
    if want.entropy:
        entropy = np.divide(planes.moment, planes.sum)
        np.subtract(cv2.log(planes.sum, dst=planes.logit), entropy, out=entropy)
        np.multiply(entropy, 1 / math.log(max(num_classes, 2)), out=entropy)
        np.clip(entropy, 0, 1, out=entropy)
    probability = cv2.divide(cv2.exp(planes.best, dst=planes.exp), planes.sum, dst=planes.exp)
    if want.threshold > 0:
        unsure = np.less(probability, want.threshold, out=planes.wins.view(np.bool_))
        np.copyto(mask, IGNORE, where=unsure)
    confidence = cv2.convertScaleAbs(probability, alpha=255) if want.confidence else None
    return Answer(mask, confidence, entropy)


def on_device(logits: torch.Tensor, size: tuple[int, int], want: Want) -> Answer:
    """The same where the logits are, for a GPU: only the bytes of the answer come back. logits: Chw."""
    full = functional.interpolate(logits[None].float(), size=size, mode='bilinear', align_corners=False)[0]
    best, mask = full.max(dim=0)
    mask = mask.to(torch.uint8)
    confidence = entropy = None
    if want.confidence or want.threshold > 0:
        probability = (best - full.logsumexp(dim=0)).exp()
        mask = mask.masked_fill(probability < want.threshold, IGNORE)
        confidence = (probability * 255).round().to(torch.uint8).cpu().numpy() if want.confidence else None
    if want.entropy:
        log_probs = full.log_softmax(dim=0)
        nats = -(log_probs.exp() * log_probs).sum(dim=0)
        entropy = (nats / math.log(max(len(full), 2))).clamp(0, 1).cpu().numpy()
    return Answer(mask.cpu().numpy(), confidence, entropy)

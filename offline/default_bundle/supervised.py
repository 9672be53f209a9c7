"""Train a network from labelled pictures, on one CPU thread, the same for the same seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.runtime.preprocess import normalisation_table

from .losses import class_weights, cross_entropy, dice
from .recipe import Augmentation, Recipe, Training
from .transforms import random_colour, random_crop, random_sensor

SHRINK = 2  # losses are taken at half the crop's size: a quarter of the time, and still finer than any network's stride


def train(network: SegmentationModel, images: np.ndarray, labels: np.ndarray, recipe: Recipe,
          report: Callable[[str], None] = print) -> None:
    """Train in place. images NxHxWx3, labels NxHxW, both uint8. Every 50 steps `report` gets a line of progress."""
    settings = recipe.training
    network.train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(parameter_groups(network, settings.weight_decay), settings.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_factor(step, settings))
    weights = class_weights(labels, network.num_classes, settings.balance, settings.heaviest)
    stream = batches(images, labels, recipe.preprocess, recipe.augmentation, settings, recipe.seed)
    began, losses = time.monotonic(), []
    for step, (image, label) in enumerate(stream, 1):
        logits = network(image, tuple(label.shape[-2:]))
        loss = cross_entropy(logits, label, weights) + settings.dice * dice(logits, label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % 50 == 0 or step == settings.steps:
            left = (time.monotonic() - began) / step * (settings.steps - step)
            report(f'step {step}/{settings.steps}  loss {np.mean(losses[-50:]):.3f}  {left / 60:.1f} min left')
    network.eval()


def parameter_groups(network: torch.nn.Module, weight_decay: float) -> list[dict]:
    """Vectors (biases, norms) are not decayed."""
    parameters = list(network.parameters())
    return [{'params': [p for p in parameters if p.ndim > 1], 'weight_decay': weight_decay},
            {'params': [p for p in parameters if p.ndim <= 1], 'weight_decay': 0.0}]


def rate_factor(step: int, settings: Training) -> float:
    """Linear from near 0 to 1 over the warm-up, then a power of the steps left."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    return (max(0, settings.steps - step) / max(1, settings.steps - settings.warmup)) ** settings.power


def batches(images: np.ndarray, labels: np.ndarray, preprocess: Preprocess, augmentation: Augmentation,
            settings: Training, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(image B3HW, label Bhw at 1/SHRINK) for every step. Each picture comes once before any comes again."""
    random = np.random.default_rng(seed)
    table = normalisation_table(preprocess.mean, preprocess.std)
    order: list[int] = []
    for _ in range(settings.steps):
        pairs = []
        for _ in range(settings.batch):
            order = order or list(random.permutation(len(images)))
            index = order.pop()
            image, label = random_crop(images[index], labels[index], augmentation, random)
            image = random_sensor(random_colour(image, augmentation, random), augmentation, random)
            pairs.append((cv2.LUT(image, table), label[SHRINK // 2::SHRINK, SHRINK // 2::SHRINK]))
        image, label = (np.stack(arrays) for arrays in zip(*pairs))
        yield torch.from_numpy(image).permute(0, 3, 1, 2), torch.from_numpy(label).long()

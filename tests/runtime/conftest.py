"""A network whose answer is known without computing, and a bundle of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.models import NETWORKS, SegmentationModel, build
from uda_seg_ros.runtime.preprocess import Preprocessor
from uda_seg_ros.structures import Frame, Weights

NUM_VOTES = 24


class Votes(SegmentationModel):
    """Every pixel gets the sum of all votes: one tensor of another version among them changes the confidence."""

    multiple = stride = 8

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.votes = nn.ParameterList(nn.Parameter(torch.zeros(num_classes)) for _ in range(NUM_VOTES))

    def forward_features(self, image):
        return (image[:, :, ::8, ::8],)

    def forward_head(self, features, size=None):
        total = torch.stack(list(self.votes)).sum(0)
        return total.view(1, -1, 1, 1) + 0 * features[0][:, :1]


def votes_for(train_id: int, version: int) -> Weights:
    """Weights that make every pixel `train_id`, with a confidence of about 60 %."""
    vote = torch.zeros(CITYSCAPES.num_classes)
    vote[train_id] = 3.3 / NUM_VOTES
    return Weights(version, {f'votes.{index}': vote for index in range(NUM_VOTES)})


@pytest.fixture
def votes_bundle(monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setitem(NETWORKS, 'votes', Votes)
    return Bundle(ModelSpec('votes'), CITYSCAPES, Preprocess(32, 64), votes_for(0, 0).tensors)


@pytest.fixture(scope='session')
def lively_bundle() -> Bundle:
    """A Fast-SCNN trained for a second to tell eight colours apart, on pictures as those of `picture`."""
    torch.manual_seed(1)
    network = build('fast_scnn', CITYSCAPES.num_classes)
    optimizer = torch.optim.AdamW(network.train().parameters(), 3e-3)
    normalise = Preprocessor(Preprocess.mean, Preprocess.std, torch.device('cpu'), torch.float32)
    for step in range(40):
        pictures = [smooth(64, 128, 1000 + 2 * step + index) for index in range(2)]
        bits = torch.from_numpy(np.stack(pictures) > 127).long()
        label = bits[..., 0] * 4 + bits[..., 1] * 2 + bits[..., 2]
        loss = functional.cross_entropy(network(normalise(pictures, (64, 128)), (64, 128)), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Bundle(ModelSpec('fast_scnn'), CITYSCAPES, Preprocess(128, 256), network.state_dict())


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def picture():
    """Make a frame of smooth colours: picture(height, width, seed=0)."""
    return lambda height, width, seed=0: Frame(smooth(height, width, seed), seed, f'camera{seed}')

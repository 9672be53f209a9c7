"""A small world for the adapter: a network that has learned to tell blocks of colour, its labelled source, and fog."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch

from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.labels import LabelSpace
from uda_seg_ros.models import build
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.settings import (
    AdapterSettings,
    DetectorSettings,
    FloorSettings,
    GateSettings,
    MemorySettings,
    TrainingSettings,
)
from uda_seg_ros.replay import GATE, REPLAY, Crop, pack
from uda_seg_ros.structures import Frame

SIZE = (64, 96)
COLOURS = np.array([(200, 60, 60), (60, 180, 70), (70, 90, 210), (210, 200, 80)], np.float32)
LABELS = LabelSpace('colours', ('red', 'green', 'blue', 'yellow'), tuple(tuple(map(int, colour)) for colour in COLOURS))
NETWORKS = {'fast_scnn': {'width': 0.25}, 'espnet_v2': {'scale': 0.5}, 'segformer': {
    'channels': (8, 16, 20, 16), 'depths': (1, 1, 1, 1), 'heads': (1, 2, 5, 2), 'width': 16}}
SECOND = 1_000_000_000


def scene(number: int) -> Crop:
    """Blocks of colour with a little texture; the same for the same number."""
    rng = np.random.default_rng(number)
    label = np.kron(rng.integers(0, len(COLOURS), (4, 6)), np.ones((16, 16), int)).astype(np.uint8)
    image = COLOURS[label] + rng.normal(0, 6, (*SIZE, 3)) + rng.uniform(-8, 8)
    return Crop(image.clip(0, 255).astype(np.uint8), label)


def fog(image: np.ndarray, strength: float = 0.75) -> np.ndarray:
    """Towards a light grey."""
    return (image * (1 - strength) + 190 * strength).astype(np.uint8)


def trained(name: str, settings: dict, steps: int = 150) -> torch.nn.Module:
    torch.manual_seed(0)
    network = build(name, len(COLOURS), **settings).train()
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    for step in range(steps):
        crops = [scene(1000 + 4 * step + index) for index in range(4)]
        image = torch.stack([torch.from_numpy(crop.image).permute(2, 0, 1).float() / 255 for crop in crops])
        label = torch.stack([torch.from_numpy(crop.label).long() for crop in crops])
        loss = torch.nn.functional.cross_entropy(network((image - 0.45) / 0.22, SIZE), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def made_bundle(name: str = 'fast_scnn', steps: int = 150) -> Bundle:
    torch.set_num_threads(1)
    network = trained(name, NETWORKS[name], steps)
    replay = {**pack(map(scene, range(12)), REPLAY, len(COLOURS)), **pack(map(scene, range(100, 132)), GATE, len(COLOURS))}
    bundle = Bundle(ModelSpec(name, NETWORKS[name]), LABELS, Preprocess(*SIZE, mean=(0.45,) * 3, std=(0.22,) * 3),
                    network.state_dict())
    return dataclasses.replace(bundle, replay={**replay, **statistics(bundle)})


def statistics(bundle: Bundle) -> dict[str, torch.Tensor]:
    """Measured as the desk does."""
    from offline.export.feature_statistics import source_statistics
    from offline.samples import Sample
    from uda_seg_ros.runtime.engine import Engine
    samples = (Sample(*scene(number), str(number)) for number in range(200, 280))
    return source_statistics(Engine(bundle, device='cpu'), samples).tensors()


QUICK = AdapterSettings(
    DetectorSettings(look_s=0.5, thin_s=1.0, settled=8),
    FloorSettings(crops=8, refresh_s=10.0),
    MemorySettings(size=8, cosine=1.1),
    TrainingSettings(crop=(64, 96), part=1.0, steps=(20, 40), steps_per_shift=10.0, head_rate=1e-3, body_rate=1e-4),
    GateSettings(every=6, crops=8, target=2))


@pytest.fixture(scope='session')
def bundle() -> Bundle:
    return made_bundle()


@pytest.fixture
def adapter(bundle: Bundle) -> Adapter:
    return Adapter(bundle, QUICK)


def drive(adapter: Adapter, images, start: int = 0, pieces: int = 3, after: Callable | None = None) -> list:
    """One frame a second; [(number of the frame, weights)] of all that was given out."""
    given = []
    for number, image in enumerate(images, start):
        weights = [adapter.observe(Frame(image, (number + 1) * SECOND))]
        for _ in range(pieces):
            if adapter.busy:
                weights.append(adapter.update())
        given += [(number, each) for each in weights if each is not None]
        if after:
            after(number)
    return given


def clear(count: int, start: int = 300) -> list[np.ndarray]:
    return [scene(start + number).image for number in range(count)]


def foggy(count: int, start: int = 600) -> list[np.ndarray]:
    return [fog(image) for image in clear(count, start)]


def says(adapter: Adapter, quarter: float, half: float) -> None:
    """The looks so far said that the shares 0.25 and 0.5 make the network surer by such parts."""
    adapter.sureness.restart()
    for _ in range(adapter.settings.floor.looks):
        adapter.sureness.add(1.0, {0.25: 1 - quarter, 0.5: 1 - half}, adapter.served.now.share)


@pytest.fixture(scope='session')
def fog_state(bundle) -> dict:
    """Past calibration, shift and the first promotion."""
    adapter = Adapter(bundle, QUICK)
    drive(adapter, [*clear(14), *foggy(12)])
    assert adapter.course.state == 'adapt' and not adapter.served.now.is_frozen
    return adapter.state_dict()


@pytest.fixture
def in_fog(bundle, fog_state) -> Adapter:
    adapter = Adapter(bundle, QUICK)
    adapter.load_state_dict(fog_state)
    return adapter

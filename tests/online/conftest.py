"""What the tests of learners share: workers of both kinds around a stand-in, and a drive that never ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.online.factory import Factory
from uda_seg_ros.online.segmenter import Segmenter
from uda_seg_ros.online.start import start_worker
from uda_seg_ros.online.worker import Terms
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame, Segmentation

from .standin import METHOD, turn_of

PERIOD_S = 0.02
QUICK = {'rank': 'normal', 'heartbeat_s': 2.0, 'back_off_s': 0.05, 'autosave_s': 0.0}


class Drive:
    """A camera that shows always the same, segmented with a learner beside it.

    Every frame must be answered, and every mask be that of one version: turns notes which, frame by frame.
    """

    def __init__(self, engine: Engine, worker) -> None:
        self.engine, self.worker = engine, worker
        self.image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        self._frozen = engine(Frame(self.image)).mask.astype(int)
        self._segmenter = Segmenter(engine, worker)
        self.turns: list[int] = []

    def frame(self) -> Segmentation:
        answer = self._segmenter(Frame(self.image, len(self.turns) + 1))
        self.turns.append(turn_of(self._frozen, answer.mask))
        return answer

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.frame()
            time.sleep(PERIOD_S)

    def until(self, reached: Callable[[], object], timeout_s: float = 40.0) -> None:
        """Drive until it is so."""
        deadline = time.monotonic() + timeout_s
        while not reached():
            assert time.monotonic() < deadline, self.worker.status
            self.frame()
            time.sleep(PERIOD_S)


@pytest.fixture(params=['thread', 'process'])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def drive(tiny_bundle: Path, backend: str) -> Iterator[Callable[..., Drive]]:
    """drive(faults=..., after=...): a drive with a worker of either kind around a stand-in; ended after the test."""
    workers = []

    def make(terms: dict | None = None, method: str = METHOD, device: str = 'cpu', **settings: object) -> Drive:
        engine = Engine(Bundle.load(tiny_bundle), device=device)
        factory = Factory(tiny_bundle, method, settings, device=device)
        workers.append(start_worker(backend, factory, Terms(**{**QUICK, **(terms or {})}), engine.prepare))
        return Drive(engine, workers[-1])
    yield make
    for worker in workers:
        worker.close()

"""The adapter beside a running segmenter: whatever happens to it, no served mask collapses."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.segmenter import Segmenter
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame

from .conftest import SECOND, fog, scene
from .test_adapter import FAULTY, not_a_number, one_class, planted


class Beside:
    """A worker without a thread: the adapter learns between two frames, and what it gives is taken before the next."""

    def __init__(self, adapter: Adapter, engine: Engine, pieces: int = 3) -> None:
        self._adapter, self._engine, self._pieces, self._ready = adapter, engine, pieces, None

    giving_way = staticmethod(nullcontext)

    def take(self):
        ready, self._ready = self._ready, None
        return ready

    def offer(self, frame: Frame) -> None:
        given = [self._adapter.observe(frame)]
        for _ in range(self._pieces):
            if self._adapter.busy:
                given.append(self._adapter.update())
        for weights in given:
            if weights is not None:
                self._ready = self._engine.prepare(weights)


class Road:
    """One frame a second, of scenes in fog or of something else; accuracy of the masks, served and frozen."""

    def __init__(self, bundle, adapter: Adapter) -> None:
        self._frozen, engine = Engine(bundle, device='cpu'), Engine(bundle, device='cpu')
        self._segmenter = Segmenter(engine, Beside(adapter, engine))
        self.second = 30

    def goes_on(self, image: np.ndarray):
        self.second += 1
        return self._segmenter(Frame(image, self.second * SECOND))

    def in_fog(self, count: int) -> tuple[float, float]:
        """No mask may be narrower than a scene of four classes allows."""
        right = []
        for number in range(count):
            image, label = scene(2000 + 100 * self.second + number)
            frame = Frame(fog(image))
            served, frozen = self.goes_on(frame.image).mask, self._frozen(frame).mask
            assert np.bincount(served.ravel()).max() < 0.95 * served.size, 'one class all over'
            right.append(((served == label).mean(), (frozen == label).mean()))
        return tuple(np.mean(right, 0))


@pytest.mark.parametrize('plant', [one_class, not_a_number])
def test_a_learner_that_turned_bad_reaches_no_mask(bundle, in_fog, plant):
    road = Road(bundle, in_fog)
    planted(in_fog, plant)
    plant_student(in_fog, plant)
    rejections = in_fog.status.rejections
    served, frozen = road.in_fog(30)
    assert in_fog.status.rejections > rejections and served >= frozen - 0.01


def plant_student(adapter: Adapter, plant) -> None:
    adapter.learner.student.requires_grad_(False)
    plant(adapter.learner.student)
    adapter.learner.student.requires_grad_(True)


def test_a_minute_of_garbage_in_the_middle_of_adapting_leaves_the_masks_as_good_as_before(bundle, in_fog):
    road = Road(bundle, in_fog)
    before, frozen = road.in_fog(6)
    seen = in_fog.memory.num_seen
    for kind in FAULTY:
        for number in range(15):
            road.goes_on(FAULTY[kind](scene(5000 + number).image))
    assert in_fog.memory.num_seen <= seen + 1, 'garbage entered the memory'  # the first look of a still camera is none
    after, frozen_after = road.in_fog(12)  # two looks until the shift is known to be back
    assert before > frozen + 0.05 and after - frozen_after > (before - frozen) / 2

"""Frozen and adapting are scored on the same frames, whatever each of them dropped."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from uda_seg_ros.ros.demo.show import Exhibition

LABEL = np.zeros((2, 2), np.uint8)


class View:
    """One playing that has masks of some stamps."""

    def __init__(self, *stamps: int) -> None:
        self._stamps, self.scored = stamps, []
        self.scores = SimpleNamespace(frames=self.scored)

    def mask(self, stamp_ns: int) -> np.ndarray | None:
        return LABEL if stamp_ns in self._stamps else None

    def score(self, stamp_ns: int, label: np.ndarray) -> None:
        if stamp_ns in self._stamps:
            self.scored.append(stamp_ns)

    def at(self, stamp_ns: int) -> SimpleNamespace:
        return SimpleNamespace(index=stamp_ns)


@pytest.mark.parametrize(('adapted', 'scored'), [(View(2, 3), [2]), (None, [1, 2])])
def test_a_frame_that_one_of_them_dropped_is_scored_for_neither(adapted, scored):
    frozen = View(1, 2)
    source = SimpleNamespace(has_labels=True, labels=lambda: [(stamp, LABEL) for stamp in (1, 2, 3)])
    kept = Exhibition(source, frozen, adapted, {}, [], lambda: None)._score({1})
    assert frozen.scored == scored and list(kept) == [1]
    assert adapted is None or adapted.scored == scored

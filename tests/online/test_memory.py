"""Which key-frames are trained on, which are held out, and how many are kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from uda_seg_ros.online.anchor import Sight
from uda_seg_ros.online.memory import Memory
from uda_seg_ros.online.settings import MemorySettings

from .conftest import SIZE


def filled(memory: Memory, count: int) -> Memory:
    """With so many more key-frames, each unlike the others."""
    for _ in range(count):
        embedding = torch.nn.functional.one_hot(torch.tensor(memory.num_seen), 100).float()
        assert memory.offer(Sight(np.zeros((*SIZE, 3), np.uint8), (), (0.5,), embedding, torch.zeros(0), torch.ones(4) / 4))
    return memory


@pytest.mark.parametrize(('hold_every', 'held_out'), [
    (2, [1, 3, 5, 7, 9, 11]), (3, [1, 4, 7, 10]), (5, [1, 6, 11]), (12, [1])])
def test_one_key_frame_in_so_many_is_held_out_from_the_second_on(hold_every, held_out):
    memory = filled(Memory(MemorySettings(hold_every=hold_every)), 12)
    assert [frame.born for frame in memory.held_out] == held_out
    assert [frame.born for frame in memory.train] == [born for born in range(12) if born not in held_out]


def test_a_memory_that_was_made_smaller_keeps_no_more_than_it_may_after_the_next_key_frames():
    larger = filled(Memory(MemorySettings()), 30)
    memory = Memory(MemorySettings(size=4, held_out=2, against=3, recent=1))
    memory.load_state_dict(larger.state_dict())
    filled(memory, 5)
    assert (len(memory.train), len(memory.held_out), len(memory.recent), len(memory._last)) == (4, 2, 1, 3)

"""What an adapter has to do next: which trial is due, whether to train."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .gate import crops_in_turn, floor_trial, learner_trial
from .trial import Trial

if TYPE_CHECKING:
    from .adapter import Adapter

FIRST = 3  # pictures of a new domain that its statistics start from


def floor_due(adapter: Adapter) -> bool:
    """Twice as often as long as nothing was won: the first trial of a shift has few pictures to go by."""
    settings = adapter.settings.floor
    wait = settings.refresh_s if adapter.served.now.share else settings.refresh_s / 2
    return (adapter.course.state in ('adapt', 'hold') and adapter.clock.over('floor', wait)
            and adapter.floor.num_seen >= FIRST and bool(settings.shares))


def gate_due(adapter: Adapter) -> bool:
    learner = adapter.learner
    return (adapter.course.state == 'adapt' and bool(adapter.memory.held_out)
            and adapter.candidacy.due(learner.step, not learner.left))


def may_train(adapter: Adapter) -> bool:
    settings = adapter.settings.training
    return (settings.on and adapter.learner.left > 0 and adapter.course.state == 'adapt'
            and len(adapter.memory.train) >= settings.first_key_frames)


def next_trial(adapter: Adapter, number: int) -> Trial | None:
    """number: of the trial, which decides the half of the gate set."""
    settings, served, styles = adapter.settings, adapter.served.now, adapter.memory.recent
    frozen, total = adapter.anchor.tensors, len(adapter.eye.gate) if adapter.eye.size else 0
    rng = np.random.default_rng((adapter.seed, 1, number))
    if floor_due(adapter):
        adapter.clock.begin('floor')
        buffers = {share: adapter.floor.buffers(share) for share in (0.0, *settings.floor.shares)}
        crops = crops_in_turn(total, settings.floor.crops, number, rng)
        return floor_trial(served, settings.floor.shares, buffers, frozen, crops, styles)
    if not gate_due(adapter):
        return None
    adapter.candidacy.tried = adapter.learner.step
    target = [frame.picture for frame in adapter.memory.held_out[-settings.gate.target:]]
    crops = crops_in_turn(total, settings.gate.crops, number, rng)
    return learner_trial(served, adapter.learner.parameters(), adapter.candidacy.scale, frozen, crops, styles, target,
                         adapter.course.shift)

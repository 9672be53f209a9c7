"""What an adapter has to do next: which trial is due, whether to train."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .following import wanted_share
from .gate import FLOOR, KINDS, LEARNER, REVIEW, crops_in_turn, floor_trial, learner_trial, review_trial
from .memory import KeyFrame
from .trial import Shown, Trial

if TYPE_CHECKING:
    from .adapter import Adapter


LABEL_S = 5.0  # between two held-out key-frames that the views look at while nothing is trained


def floor_due(adapter: Adapter) -> bool:
    """Whether another share of the target's statistics is to be tried, or the one that is served once more."""
    if adapter.course.state not in ('adapt', 'hold'):
        return False
    wanted = wanted_share(adapter)
    more = wanted > adapter.served.now.share
    wait_s = adapter.patience.wait_s(wanted, adapter.course.shift) if more else adapter.settings.floor.trusted_s
    return (more or adapter.served.now.share > 0) and adapter.clock.over('floor', wait_s)


def review_due(adapter: Adapter) -> bool:
    """Whether learned weights are served while no candidate of theirs is tried any more."""
    settings = adapter.settings.gate
    return (settings.on and adapter.course.state == 'hold' and adapter.served.now.scale > 0
            and bool(adapter.memory.held_out) and adapter.clock.over('review', settings.review_s))


def gate_due(adapter: Adapter) -> bool:
    learner = adapter.learner
    return (adapter.course.state == 'adapt' and bool(adapter.memory.held_out)
            and adapter.candidacy.due(learner.step, not learner.left))


def may_train(adapter: Adapter) -> bool:
    settings = adapter.settings.training
    return (settings.on and adapter.learner.left > 0 and adapter.course.state == 'adapt'
            and len(adapter.memory.train) >= settings.first_key_frames)


def to_label(adapter: Adapter) -> KeyFrame | None:
    """The key-frame whose views are to be seen next, where it is time for one."""
    settings, served = adapter.settings.training, adapter.served.now
    if not settings.target:
        return None
    if may_train(adapter):
        waited = adapter.learner.step - adapter.labelled_at
        return adapter.memory.unlabelled(served.share) if waited >= settings.label_every(*adapter.eye.sizes) else None
    judged = adapter.course.state == 'hold' and served.scale > 0 and adapter.clock.over('label', LABEL_S)
    return adapter.memory.unlabelled(served.share, training=False) if judged else None


def next_trial(adapter: Adapter) -> Trial | None:
    """The trial that is due. Those of each kind take turns with the halves of the gate set, whatever other kinds do."""
    due = {FLOOR: floor_due, REVIEW: review_due, LEARNER: gate_due}
    kind = next((kind for kind, is_due in due.items() if is_due(adapter)), None)
    if kind is None:
        return None
    settings, served = adapter.settings, adapter.served.now
    number = adapter.trials[kind]
    adapter.trials[kind] += 1
    rng = np.random.default_rng((adapter.seed, 1, KINDS.index(kind), number))
    crops = crops_in_turn(len(adapter.eye.gate), (settings.floor if kind == FLOOR else settings.gate).crops, number, rng)
    frozen, styles = adapter.anchor.tensors, adapter.memory.recent
    if kind == FLOOR:
        adapter.clock.begin('floor')
        share = max(wanted_share(adapter), served.share)
        return floor_trial(share, adapter.floor.buffers(share), adapter.sureness.fall(share), frozen, crops, styles)
    shown = [_shown(frame, served.share) for frame in adapter.memory.held_out[-settings.gate.target:]], adapter.course.shift
    if kind == REVIEW:
        adapter.clock.begin('review')
        return review_trial(served, frozen, crops, styles, *shown)
    adapter.candidacy.tried = adapter.learner.step
    return learner_trial(served, adapter.learner.parameters(), adapter.candidacy.scale, frozen, crops, styles, *shown)


def _shown(frame: KeyFrame, share: float) -> Shown:
    """With its label, where the views saw it as it is served now."""
    return Shown(frame.picture, frame.seen.label if frame.seen is not None and frame.seen.share == share else None)

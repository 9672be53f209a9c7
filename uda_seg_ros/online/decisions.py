"""What follows from a trial that is done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..structures import Weights
from .gate import FLOOR, TEACHER, judge_floor, judge_learner
from .trial import Trial

if TYPE_CHECKING:
    from .adapter import Adapter

SLOWEST = 0.25  # a student that would learn at less than this share of its rate does not learn at all


def conclude(adapter: Adapter, trial: Trial) -> Weights | None:
    """The weights to serve, if the trial was won."""
    return _floor_tried(adapter, trial) if trial.kind == FLOOR else _learner_tried(adapter, trial)


def _floor_tried(adapter: Adapter, trial: Trial) -> Weights | None:
    verdict = judge_floor(trial, adapter.settings.floor)
    if verdict.valid:
        adapter.clock.begin('valid')
    if verdict.share is None:
        adapter.journal.why = verdict.text
        return None
    adapter.journal.tell('promotion', verdict.text)
    return adapter.serve(replace(adapter.served.now, share=verdict.share, buffers=adapter.floor.buffers(verdict.share)))


def _learner_tried(adapter: Adapter, trial: Trial) -> Weights | None:
    settings = adapter.settings
    verdict = judge_learner(trial, settings.gate, settings.training.radius, adapter.labels.names)
    step, given = adapter.candidacy.judged(verdict), None
    if step == 'serve':
        adapter.clock.begin('valid')
        adapter.journal.tell('promotion', verdict.text)
        given = adapter.serve(replace(adapter.served.now, scale=verdict.scale, teacher=trial.cases[TEACHER]))
    elif step in ('refuse', 'start_over'):
        adapter.journal.tell('rejection', verdict.text)
    else:
        adapter.journal.why = verdict.text
    done = adapter.candidacy.done(adapter.learner.left)
    if step == 'start_over':
        start_over(adapter, f'candidates were refused {3 * settings.gate.rejections} times')
    elif done and step != 'nearer':
        adapter.hold(done)
    return given


def start_over(adapter: Adapter, why: str) -> None:
    """The student goes back to what is served and learns half as fast; the third time it stops. why: in words, then."""
    learner, now = adapter.learner, adapter.served.now
    learner.restart(now.teacher if now.scale else {})
    learner.rate /= 2
    if learner.rate < SLOWEST:
        adapter.hold(why)
    else:
        learner.begin(adapter.course.shift)

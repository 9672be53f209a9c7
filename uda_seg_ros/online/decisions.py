"""What follows from a trial that is done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..structures import Weights
from .following import FIRST, wanted_share
from .gate import FLOOR, REVIEW, TEACHER, judge_floor, judge_learner, judge_review
from .trial import Trial

if TYPE_CHECKING:
    from .adapter import Adapter

SLOWEST = 0.25  # a student that would learn at less than this share of its rate does not learn at all


def conclude(adapter: Adapter, trial: Trial) -> Weights | None:
    """The weights to serve, if the trial was won."""
    return {FLOOR: _floor_tried, REVIEW: _reviewed}.get(trial.kind, _learner_tried)(adapter, trial)


def _floor_tried(adapter: Adapter, trial: Trial) -> Weights | None:
    """Learned weights were not in the trial: it says nothing for them and nothing against them."""
    verdict, now, share = judge_floor(trial, adapter.settings.floor), adapter.served.now, trial.facts['share']
    lately = any(adapter.patience.won_lately(each, adapter.clock.now_ns) for each in adapter.settings.floor.shares)
    adapter.patience.tried(share, adapter.course.shift, adapter.clock.now_ns, won=verdict.valid)
    if not verdict.valid and share <= now.share:
        adapter.journal.tell('return', f'back to the source\'s statistics: {verdict.text}')
        return adapter.retreat(replace(now, share=0.0, buffers={}))
    if not verdict.valid:
        adapter.journal.why = f'refused: {verdict.text}'
        return None
    if not now.scale:
        adapter.clock.begin('valid')
    if share == now.share or share > wanted_share(adapter):
        adapter.journal.why = verdict.text
        return None
    adapter.journal.tell('promotion', verdict.text)
    if adapter.course.state == 'hold' and not now.share and not lately:
        learn_again(adapter)
    return adapter.serve(replace(now, share=share, buffers=adapter.floor.buffers(share)))


def _reviewed(adapter: Adapter, trial: Trial) -> Weights | None:
    """Learned weights that do not stand the review go; the statistics have trials of their own."""
    settings = adapter.settings
    verdict = judge_review(trial, settings.gate, settings.training.most_deviation, adapter.labels.names)
    if not verdict.valid:
        return adapter.revert(verdict.text, adapter.served.now.without_teacher())
    adapter.clock.begin('valid')
    adapter.journal.why = f'no training for now; {verdict.text}'
    return None


def _learner_tried(adapter: Adapter, trial: Trial) -> Weights | None:
    settings = adapter.settings
    verdict = judge_learner(trial, settings.gate, settings.training.most_deviation, adapter.labels.names)
    step, given = adapter.candidacy.judged(verdict), None
    if step == 'serve':
        adapter.clock.begin('valid')
        adapter.journal.tell('promotion', verdict.text)
        given = adapter.serve(replace(adapter.served.now, scale=verdict.scale, teacher=trial.cases[TEACHER],
                                      passed=verdict.scale, shift=max(1.0, adapter.course.shift)))
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


def serve_untried(adapter: Adapter) -> Weights:
    """The teacher as it is, where the gate is off."""
    step = adapter.learner.step
    adapter.candidacy.tried = step
    adapter.clock.begin('valid')
    adapter.journal.tell('promotion', f'candidate of step {step} served untried: the gate is off')
    given = adapter.serve(replace(adapter.served.now, scale=1.0, teacher=adapter.learner.parameters()))
    if not adapter.learner.left:
        adapter.hold('the steps for this shift are done')
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


def learn_again(adapter: Adapter) -> None:
    """A first share of the target's statistics while nothing is trained: another road, and there is to learn."""
    adapter.journal.why += '; another road, training begins anew'
    adapter.course.answer()
    adapter.course.enter('adapt')
    if adapter.served.now.is_frozen:
        adapter.memory.shift(FIRST)
    adapter.candidacy.begin(adapter.learner.step)
    adapter.learner.rate = 1.0
    if adapter.settings.training.on:
        adapter.learner.begin(adapter.course.shift)

"""What is tried before it is served, and what the trial's outcome means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from .guards import NOTHING_WON, Evidence, objections, seen_better, unlabelled
from .serving import Serving, Tensors
from .settings import FloorSettings, GateSettings
from .training import deviation
from .trial import FROZEN, Shown, Trial

KINDS = FLOOR, LEARNER, REVIEW = 'floor', 'learner', 'review'
TEACHER = 'teacher'
BESIDE = ['candidate', 'served', 'reference']
PARTS = {'clean': ['clean', FROZEN], 'restyled': BESIDE, 'target': BESIDE}


@dataclass(frozen=True)
class Verdict:
    """scale: what is to be served from now on; None: nothing new. gain: in points over what was served. valid: what was
    tried was found no worse than the frozen weights that it is judged beside. text: one sentence with the figures.
    """

    text: str
    gain: float = 0.0
    scale: float | None = None
    valid: bool = False
    objections: tuple[str, ...] = ()


def crops_in_turn(total: int, count: int, number: int, rng: np.random.Generator) -> list[int]:
    """`count` numbers of one half of a gate set of `total`; trial `number` takes the even or the odd ones."""
    half = np.arange(number % 2, total, 2)
    return sorted(rng.choice(half, min(count, len(half)), replace=False).tolist())


def floor_trial(share: float, buffers: Tensors, fall: float, frozen: Tensors, crops: Sequence[int],
                styles: Sequence[np.ndarray]) -> Trial:
    """The frozen weights with a share of the target's statistics and with the source's. fall: of the doubt on the target.
    """
    cases = {FROZEN: dict(frozen), FLOOR: Serving(share=share, buffers=buffers).tensors(frozen)}
    return Trial(FLOOR, cases, {'restyled': [FROZEN, FLOOR]}, crops, styles, (), {'share': share, 'fall': fall})


def judge_floor(trial: Trial, settings: FloorSettings) -> Verdict:
    """That the network is surer of the target is the reason to serve a share; labelled crops may speak against it."""
    text = (f'{trial.facts["share"]:g} of the target in the statistics: {round(100 * trial.facts["fall"])} % surer of what '
            'it sees')
    if not any(matrix.any() for matrix in trial.confusions['restyled', FROZEN]):
        return Verdict(f'{text}, but no crop of the trial has a labelled pixel')
    frozen = trial.miou('restyled', FROZEN)
    gain = trial.miou('restyled', FLOOR) - frozen
    text += f', {gain:+.1f} points on source in the present style'
    if gain < -settings.most_loss * frozen:
        return Verdict(f'{text} (of {frozen:.1f})', gain)
    return Verdict(text, gain, valid=True)


def learner_trial(serving: Serving, teacher: Tensors, scale: float, frozen: Tensors, crops: Sequence[int],
                  styles: Sequence[np.ndarray], target: Sequence[Shown], shift: float) -> Trial:
    """The teacher's weights: clean with the source's statistics, otherwise with those that are served."""
    cases = _cases(replace(serving, scale=scale, teacher=teacher), serving, frozen)
    return Trial(LEARNER, cases, PARTS, crops, styles, target, {'scale': scale, 'shift': shift})


def review_trial(serving: Serving, frozen: Tensors, crops: Sequence[int], styles: Sequence[np.ndarray],
                 target: Sequence[Shown], shift: float) -> Trial:
    """What is served in the candidate's place, and its statistics alone in that of what is served."""
    cases = _cases(serving, serving.without_teacher(), frozen)
    return Trial(REVIEW, cases, PARTS, crops, styles, target, {'scale': serving.scale, 'shift': shift})


def _cases(candidate: Serving, served: Serving, frozen: Tensors) -> dict[str, Tensors]:
    reference = candidate.without_teacher().tensors(frozen)
    return {FROZEN: dict(frozen), 'clean': replace(candidate, share=0.0).tensors(frozen),
            'candidate': candidate.tensors(frozen), 'served': served.tensors(frozen) if served.scale else reference,
            'reference': reference, TEACHER: dict(candidate.teacher)}


def judge_learner(trial: Trial, settings: GateSettings, radius: float, names: Sequence[str]) -> Verdict:
    """names: of the classes."""
    found = evidence(trial, radius, names)
    refused = objections(found, settings)
    won = (f'{found.restyled.mean:+.2f} points on source in the present style, {found.clean.mean:+.2f} on clean source, '
           f'{found.seen.mean:+.2f} on held-out pictures as the views see them')
    scale, gain = trial.facts['scale'], max(found.restyled.mean, found.seen_more.mean)
    if refused:
        return Verdict(f'candidate at {scale:g} refused: {"; ".join(refused.values())}', gain, objections=tuple(refused))
    return Verdict(f'candidate at {scale:g} served: {won}', gain, scale=scale, valid=True)


def judge_review(trial: Trial, settings: GateSettings, radius: float, names: Sequence[str]) -> Verdict:
    """Whether learned weights may stay: no guard objects, and they are no worse than the frozen ones, on labelled crops or
    as the views see key-frames. Little gain is enough.
    """
    found = evidence(trial, radius, names)
    refused = {name: reason for name, reason in objections(found, settings).items() if name not in NOTHING_WON}
    restyled = f'{found.restyled.mean:+.2f} points over the frozen weights on source in the present style'
    if found.restyled.mean < 0 and not seen_better(found.seen, settings):
        refused.setdefault('restyled_loss', restyled)
    if refused:
        return Verdict(f'what is served did not stand a review: {"; ".join(refused.values())}', found.restyled.mean,
                       objections=tuple(refused))
    return Verdict(f'what is served stood a review: {restyled}, {found.clean.mean:+.2f} on clean source',
                   found.restyled.mean, valid=True)


def evidence(trial: Trial, radius: float, names: Sequence[str]) -> Evidence:
    candidate, frozen = trial.cases['candidate'], trial.cases[FROZEN]
    finite = all(bool(torch.isfinite(tensor).all()) for tensor in candidate.values())
    matrices = np.sum(trial.confusions['clean', FROZEN], axis=0)
    common = matrices.sum(1) > 0.01 * matrices.sum()
    loss = np.where(common, trial.iou('clean', FROZEN) - trial.iou('clean', 'clean'), -np.inf)
    worst = int(np.argmax(loss))
    parameters = {name: candidate[name] for name in trial.cases[TEACHER]}
    return Evidence(trial.gain('clean', 'clean', FROZEN, 0.1), trial.gain('restyled', 'candidate', 'served', 0.1),
                    trial.gain('restyled', 'candidate', 'reference', 0.1), names[worst], float(loss[worst]), finite=finite,
                    seen=trial.gain('target', 'candidate', 'reference', 0.1),
                    seen_more=trial.gain('target', 'candidate', 'served', 0.1),
                    deviation=deviation(parameters, frozen), radius=radius,
                    most_disagreement=0.05 + 0.3 * min(1.0, max(0.0, float(trial.facts['shift']))),
                    **unlabelled(trial.masks['candidate'], trial.masks['reference'], len(names)))

"""What is tried before it is served, and what the trial's outcome means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from .guards import NOTHING_WON, Evidence, objections, unlabelled
from .serving import Serving, Tensors
from .settings import FloorSettings, GateSettings
from .training import deviation
from .trial import Trial

KINDS = FLOOR, LEARNER, REVIEW = 'floor', 'learner', 'review'
FROZEN, TEACHER = 'frozen', 'teacher'
PARTS = {'clean': ['clean', FROZEN], 'restyled': ['candidate', 'served', 'reference'], 'target': ['candidate', 'reference']}


@dataclass(frozen=True)
class Verdict:
    """share or scale: what is to be served from now on; None: nothing new. worse: what was served was found worse than the
    frozen network. gain: in points over what was served. valid: what is served was found no worse than the frozen
    network. text: one sentence with the figures.
    """

    text: str
    gain: float = 0.0
    share: float | None = None
    scale: float | None = None
    valid: bool = False
    worse: bool = False
    objections: tuple[str, ...] = ()


def crops_in_turn(total: int, count: int, number: int, rng: np.random.Generator) -> list[int]:
    """`count` numbers of one half of a gate set of `total`; trial `number` takes the even or the odd ones."""
    half = np.arange(number % 2, total, 2)
    return sorted(rng.choice(half, min(count, len(half)), replace=False).tolist())


def floor_trial(serving: Serving, shares: Sequence[float], buffers: dict[float, Tensors], frozen: Tensors,
                crops: Sequence[int], styles: Sequence[np.ndarray]) -> Trial:
    """Every share of the target's statistics, with the weights that are served, and the frozen network."""
    cases = {_name(share): replace(serving, share=share, buffers=buffers[share]).tensors(frozen) for share in (0.0, *shares)}
    if serving.share not in buffers:
        cases[_name(serving.share)] = serving.tensors(frozen)
    cases[FROZEN] = dict(frozen)
    tried = [name for name in cases if name != FROZEN or serving.scale]
    return Trial(FLOOR, cases, {'restyled': tried}, crops, styles, (), {'share': serving.share})


def judge_floor(trial: Trial, settings: FloorSettings) -> Verdict:
    """The best share, if it is surely better than the present one, or that one was found worse than the frozen network.
    Where all shares were, with the weights that are served, the frozen network itself.

    Source in borrowed colours takes to borrowed statistics more than real pictures do, so each share has a handicap.
    """
    present = _name(trial.facts['share'])
    miou = {name: trial.miou('restyled', name) for part, name in trial.confusions}
    frozen = miou.get(FROZEN, miou[_name(0.0)])
    score = {name: value - settings.handicap * _share(name) for name, value in miou.items() if name != FROZEN}
    best = max(score, key=lambda name: score[name])
    gain = trial.gain('restyled', best, present, settings.doubt)
    more = settings.handicap * (_share(best) - _share(present))
    figures = ', '.join(f'{name}: {value:.1f}' for name, value in miou.items())
    if miou[present] < frozen:
        return _instead(best if miou[best] >= frozen else FROZEN, gain.mean, f'{present} of the target in the statistics is '
                      f'worse than the frozen network (mIoU on source in the present style {figures})')
    if best != present and gain.mean >= more + settings.least and gain.low > more:
        return Verdict(f'{best} of the target in the statistics: {gain.mean:+.1f} points on source in the present style, '
                       f'lower bound {gain.low:+.1f} (mIoU {figures})', gain.mean, share=_share(best),
                       valid=True)
    return Verdict(f'{present} of the target in the statistics stays (mIoU on source in the present style {figures})',
                   valid=True)


def _instead(name: str, gain: float, text: str) -> Verdict:
    """name: of the case that is to be served."""
    if name == FROZEN:
        return Verdict(f'{text}: back to it', gain, share=0.0, scale=0.0, valid=True, worse=True)
    return Verdict(f'{text}: {name} instead', gain, share=_share(name), valid=True, worse=True)


def _share(name: str) -> float:
    """By the name of its case."""
    return float(name.split()[1])


def learner_trial(serving: Serving, teacher: Tensors, scale: float, frozen: Tensors, crops: Sequence[int],
                  styles: Sequence[np.ndarray], target: Sequence[np.ndarray], shift: float) -> Trial:
    """The teacher's weights: clean with the source's statistics, otherwise with those that are served."""
    cases = _cases(replace(serving, scale=scale, teacher=teacher), serving, frozen)
    return Trial(LEARNER, cases, PARTS, crops, styles, target, {'scale': scale, 'shift': shift})


def review_trial(serving: Serving, frozen: Tensors, crops: Sequence[int], styles: Sequence[np.ndarray],
                 target: Sequence[np.ndarray], shift: float) -> Trial:
    """What is served in the candidate's place, and the frozen network in that of what is served."""
    cases = _cases(serving, Serving(), frozen)
    return Trial(REVIEW, cases, PARTS, crops, styles, target, {'scale': serving.scale, 'shift': shift})


def _cases(candidate: Serving, served: Serving, frozen: Tensors) -> dict[str, Tensors]:
    return {FROZEN: dict(frozen), 'clean': replace(candidate, share=0.0).tensors(frozen),
            'candidate': candidate.tensors(frozen), 'served': served.tensors(frozen),
            'reference': candidate.without_teacher().tensors(frozen), TEACHER: dict(candidate.teacher)}


def judge_learner(trial: Trial, settings: GateSettings, radius: float, names: Sequence[str]) -> Verdict:
    """names: of the classes."""
    found = evidence(trial, radius, names)
    refused = objections(found, settings)
    restyled = f'{found.restyled.mean:+.2f} points on source in the present style, {found.clean.mean:+.2f} on clean source'
    scale = trial.facts['scale']
    if refused:
        return Verdict(f'candidate at {scale:g} refused: {"; ".join(refused.values())}', found.restyled.mean,
                       objections=tuple(refused))
    return Verdict(f'candidate at {scale:g} served: {restyled}', found.restyled.mean, scale=scale, valid=True)


def judge_review(trial: Trial, settings: GateSettings, radius: float, names: Sequence[str]) -> Verdict:
    """Whether what is served may stay: no guard objects, and it is no worse than the frozen network. Little gain is enough.
    """
    found = evidence(trial, radius, names)
    refused = {name: reason for name, reason in objections(found, settings).items() if name not in NOTHING_WON}
    restyled = f'{found.restyled.mean:+.2f} points over the frozen network on source in the present style'
    if found.restyled.mean < 0:
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
                    deviation=deviation(parameters, frozen), radius=radius,
                    most_disagreement=0.05 + 0.3 * min(1.0, max(0.0, float(trial.facts['shift']))),
                    **unlabelled(trial.masks['candidate'], trial.masks['reference'], len(names)))


def _name(share: float) -> str:
    return f'share {share:g}'

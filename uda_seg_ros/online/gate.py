"""What is tried before it is served, and what the trial's outcome means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from .guards import Evidence, objections, unlabelled
from .serving import Serving, Tensors
from .settings import FloorSettings, GateSettings
from .training import deviation
from .trial import Trial

FLOOR, LEARNER = 'floor', 'learner'
FROZEN, TEACHER = 'frozen', 'teacher'


@dataclass(frozen=True)
class Verdict:
    """share or scale: what is to be served from now on; None: nothing new. gain: in points over what was served. valid:
    what is served was found no worse than the frozen network. text: one sentence with the figures.
    """

    text: str
    gain: float = 0.0
    share: float | None = None
    scale: float | None = None
    valid: bool = False
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
    """The best share, if it is surely better than the present one."""
    present = _name(trial.facts['share'])
    miou = {name: trial.miou('restyled', name) for part, name in trial.confusions}
    frozen = miou.get(FROZEN, miou[_name(0.0)])
    best = max((name for name in miou if name != FROZEN), key=lambda name: miou[name])
    gain = trial.gain('restyled', best, present, settings.doubt)
    figures = ', '.join(f'{name}: {value:.1f}' for name, value in miou.items())
    if best != present and gain.mean >= settings.least and gain.low > 0:
        return Verdict(f'{best} of the target in the statistics: {gain.mean:+.1f} points on source in the present style, '
                       f'lower bound {gain.low:+.1f} (mIoU {figures})', gain.mean, share=float(best.split()[1]),
                       valid=miou[best] >= frozen)
    return Verdict(f'{present} of the target in the statistics stays (mIoU on source in the present style {figures})',
                   valid=miou[present] >= frozen - 0.3)


def learner_trial(serving: Serving, teacher: Tensors, scale: float, frozen: Tensors, crops: Sequence[int],
                  styles: Sequence[np.ndarray], target: Sequence[np.ndarray], shift: float) -> Trial:
    """The teacher's weights: clean with the source's statistics, otherwise with those that are served."""
    candidate = replace(serving, scale=scale, teacher=teacher)
    cases = {FROZEN: dict(frozen), 'clean': replace(candidate, share=0.0).tensors(frozen),
             'candidate': candidate.tensors(frozen), 'served': serving.tensors(frozen),
             'reference': replace(serving, scale=0.0).tensors(frozen), TEACHER: dict(teacher)}
    parts = {'clean': ['clean', FROZEN], 'restyled': ['candidate', 'served'], 'target': ['candidate', 'reference']}
    return Trial(LEARNER, cases, parts, crops, styles, target, {'scale': scale, 'shift': shift})


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


def evidence(trial: Trial, radius: float, names: Sequence[str]) -> Evidence:
    candidate, frozen = trial.cases['candidate'], trial.cases[FROZEN]
    finite = all(bool(torch.isfinite(tensor).all()) for tensor in candidate.values())
    matrices = np.sum(trial.confusions['clean', FROZEN], axis=0)
    common = matrices.sum(1) > 0.01 * matrices.sum()
    loss = np.where(common, trial.iou('clean', FROZEN) - trial.iou('clean', 'clean'), -np.inf)
    worst = int(np.argmax(loss))
    parameters = {name: candidate[name] for name in trial.cases[TEACHER]}
    return Evidence(trial.gain('clean', 'clean', FROZEN, 0.1), trial.gain('restyled', 'candidate', 'served', 0.1),
                    names[worst], float(loss[worst]), finite=finite, deviation=deviation(parameters, frozen), radius=radius,
                    most_disagreement=0.05 + 0.3 * min(1.0, max(0.0, float(trial.facts['shift']))),
                    **unlabelled(trial.masks['candidate'], trial.masks['reference'], len(names)))


def _name(share: float) -> str:
    return f'share {share:g}'

"""What a candidate must not do. A guard gets the evidence of a trial and returns the reason to refuse, in words, or None."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .settings import GateSettings
from .trial import Gain

UNSEEN = Gain(0.0, float('-inf'))
PRESENT, GONE = 0.01, 0.002  # shares of the pixels from which on a class is in a mask, and below which it is not


@dataclass(frozen=True)
class Evidence:
    """A candidate against frozen weights on clean crops, against served weights on crops in the target's colours, and
    against the frozen weights with the same statistics on target pictures without labels.

    won: on the crops in the target's colours, too, but against the frozen weights with the same statistics. seen, seen_more:
    on held-out target pictures with what the frozen network's views say of them for a label, against the frozen weights with
    the same statistics and against what is served. class_loss:
    points of IoU that the class `worst` lost on clean crops, of those with 1 % of the pixels. classes_lost: that the
    reference shows and the candidate does not, mean over the pictures. entropy_ratio: of the class histograms' entropies,
    candidate by reference. divergence: Jensen-Shannon, of the mean histograms, in nats. disagreement, most_disagreement:
    shares of pixels. deviation: largest of all groups of weights, as a share of the frozen norm.
    """

    clean: Gain
    restyled: Gain
    won: Gain
    worst: str = ''
    class_loss: float = 0.0
    classes_lost: float = 0.0
    entropy_ratio: float = 1.0
    divergence: float = 0.0
    disagreement: float = 0.0
    most_disagreement: float = 1.0
    finite: bool = True
    deviation: float = 0.0
    radius: float = 0.05
    seen: Gain = UNSEEN
    seen_more: Gain = UNSEEN


Guard = Callable[[Evidence, GateSettings], str | None]


def not_finite(evidence: Evidence, settings: GateSettings) -> str | None:
    return None if evidence.finite else 'some weights are not finite'


def no_number(evidence: Evidence, settings: GateSettings) -> str | None:
    """Comparisons with NaN are false, so that no other guard would refuse it."""
    missing = [name for name, value in vars(evidence).items() if _holds_nan(value)]
    return f'the trial found no number for {", ".join(missing)}, and so nothing can be judged' if missing else None


def _holds_nan(value: Gain | float | str) -> bool:
    return any(isinstance(each, float) and math.isnan(each) for each in (value if isinstance(value, tuple) else (value,)))


def too_far(evidence: Evidence, settings: GateSettings) -> str | None:
    if evidence.deviation > 1.01 * evidence.radius:
        return f'weights deviate by {100 * evidence.deviation:.1f} % of their norm (at most {100 * evidence.radius:.1f} %)'
    return None


def clean_loss(evidence: Evidence, settings: GateSettings) -> str | None:
    if evidence.clean.low < -settings.clean_loss:
        return (f'clean source: {evidence.clean.mean:+.2f} points, lower bound {evidence.clean.low:+.2f} below '
                f'-{settings.clean_loss}')
    return None


def class_loss(evidence: Evidence, settings: GateSettings) -> str | None:
    if evidence.class_loss > settings.class_loss:
        return f'clean source: class {evidence.worst} loses {evidence.class_loss:.1f} points (at most {settings.class_loss})'
    return None


def restyled_loss(evidence: Evidence, settings: GateSettings) -> str | None:
    """Against what is served, and against the frozen weights, so that small losses do not add up."""
    worst = min(evidence.restyled, evidence.won, key=lambda gain: gain.low)
    if worst.low < -settings.restyled_loss:
        return (f'source in the present style: {worst.mean:+.2f} points, lower bound {worst.low:+.2f} below '
                f'-{settings.restyled_loss}')
    return None


def pointless(evidence: Evidence, settings: GateSettings) -> str | None:
    seen_more = evidence.seen_more.mean > settings.least_gain and evidence.seen_more.low > -settings.restyled_loss
    if evidence.restyled.mean <= settings.least_gain and not seen_more:
        return (f'source in the present style: {evidence.restyled.mean:+.2f} points are not above '
                f'{settings.least_gain:+.2f}, so there is nothing to win')
    return None


def no_answer(evidence: Evidence, settings: GateSettings) -> str | None:
    """What is won on clean source as well comes of training on source, and a road far from it sees it where it is much."""
    won = evidence.won.mean - max(0.0, evidence.clean.mean)
    if won <= settings.least_won and evidence.won.low < settings.much_won and not seen_better(evidence.seen, settings):
        return (f'{evidence.won.mean:+.2f} points over the frozen weights on source in the present style (lower bound '
                f'{evidence.won.low:+.2f}), {evidence.clean.mean:+.2f} on clean source: that is no answer to the shift')
    return None


def seen_better(gain: Gain, settings: GateSettings) -> bool:
    """Whether a candidate is nearer to what the frozen network's views say of held-out key-frames."""
    return gain.mean > settings.least_seen and gain.low > 0


def classes_gone(evidence: Evidence, settings: GateSettings) -> str | None:
    return f'{evidence.classes_lost:.1f} classes are gone a picture' if evidence.classes_lost > 0.5 else None


def narrow(evidence: Evidence, settings: GateSettings) -> str | None:
    if evidence.entropy_ratio < 0.9:
        return f'the classes narrow to {evidence.entropy_ratio:.2f} of their entropy (at least 0.90)'
    return None


def other_classes(evidence: Evidence, settings: GateSettings) -> str | None:
    if evidence.divergence > 0.1:
        return f'the mix of classes moves by {evidence.divergence:.2f} nats (at most 0.10)'
    return None


def disagrees(evidence: Evidence, settings: GateSettings) -> str | None:
    if evidence.disagreement > evidence.most_disagreement:
        return (f'{100 * evidence.disagreement:.0f} % of the pixels change class (at most '
                f'{100 * evidence.most_disagreement:.0f} % at this shift)')
    return None


GUARDS: dict[str, Guard] = {
    'not_finite': not_finite, 'no_number': no_number, 'too_far': too_far, 'clean_loss': clean_loss, 'class_loss': class_loss,
    'restyled_loss': restyled_loss, 'classes_gone': classes_gone, 'narrow': narrow, 'other_classes': other_classes,
    'disagrees': disagrees, 'no_answer': no_answer, 'pointless': pointless}

NOTHING_WON = {'no_answer', 'pointless'}  # no reasons against what is served already


def objections(evidence: Evidence, settings: GateSettings) -> dict[str, str]:
    """Name of the guard -> reason, for all that refuse."""
    found = {name: guard(evidence, settings) for name, guard in GUARDS.items()}
    return {name: reason for name, reason in found.items() if reason}


def unlabelled(candidate: Sequence[np.ndarray], reference: Sequence[np.ndarray], num_classes: int) -> dict[str, float]:
    """What masks of the same pictures tell: the Evidence's fields from classes_lost to disagreement."""
    if not candidate:
        return {}
    shares = [np.stack([np.bincount(mask.ravel(), minlength=num_classes)[:num_classes] / mask.size for mask in masks])
              for masks in (candidate, reference)]
    mean = [each.mean(0) for each in shares]
    entropy = [_entropy(each) for each in mean]
    return {'classes_lost': float(((shares[1] > PRESENT) & (shares[0] < GONE)).sum(1).mean()),
            'entropy_ratio': float(entropy[0] / entropy[1]) if entropy[1] > 0.05 else 1.0,
            'divergence': float(_entropy((mean[0] + mean[1]) / 2) - (entropy[0] + entropy[1]) / 2),
            'disagreement': float(np.mean([(a != b).mean() for a, b in zip(candidate, reference)]))}


def _entropy(shares: np.ndarray) -> float:
    """In nats."""
    return float(-(shares * np.log(np.maximum(shares, 1e-12))).sum())

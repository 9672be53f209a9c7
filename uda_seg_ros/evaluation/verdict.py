"""What the figures say, in one sentence, and whether they pass what was asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..streams.measures import WORSE


def verdict(figures: Mapping[str, Any], adapts: bool, camera_ms: float | None) -> str:
    """Is it better, is it ever worse, is it fast enough. camera_ms: from one picture to the next, None if not known."""
    if not figures['num_frames']:
        return 'No picture was segmented.'
    still = 'The adapter never changed the weights. ' if adapts and not figures['weights_versions'] else ''
    return f'{still}{_quality(figures, adapts)}; {_speed(figures, camera_ms)}.'


def _quality(figures: Mapping[str, Any], adapts: bool) -> str:
    served, frozen = figures['served'], figures['frozen']
    if not figures['labelled_frames']:
        return _without_labels(figures, adapts)
    if not adapts:
        return (f'The network without adaptation has {served["miou"]:.1f} % mIoU on {figures["labelled_frames"]} '
                'labelled frames')
    words = _gain(figures['paired'])
    return f'{words}: {served["miou"]:.1f} % mIoU, frozen {frozen["miou"]:.1f} %; {_regret(figures["paired"])}'


def _gain(paired: Mapping[str, Any]) -> str:
    gain, interval = f'{paired["gain"]:+.1f} points in the mean window', paired['gain_interval']
    if interval is None:
        return f'Too few labelled frames to tell whether adaptation is better ({gain})'
    low, high = interval
    told = f'{gain}, 95 % interval {low:+.1f} to {high:+.1f}'
    if low > 0:
        return f'Adaptation is better ({told})'
    return f'Adaptation is worse ({told})' if high < 0 else f'No difference can be told ({told})'


def _regret(paired: Mapping[str, Any]) -> str:
    if paired['regret'] >= WORSE:
        return f'in no window of {paired["window_frames"]} labelled frames does it lose more than {-WORSE} points'
    return (f'in its worst window of {paired["window_frames"]} labelled frames it loses {-paired["regret"]:.1f} points, and '
            f'{100 * paired["time_worse"]:.0f} % of the windows are worse by more than {-WORSE}')


def _without_labels(figures: Mapping[str, Any], adapts: bool) -> str:
    """Indicators only: never 'better'."""
    served, frozen = figures['served'], figures['frozen']
    if not adapts:
        return ('Without labels nothing here says how right the masks are: mean confidence '
                f'{100 * served["confidence"]:.1f} %{_consistency(served)}')
    return (f'Without labels nothing here says which is better: served and frozen masks agree on '
            f'{100 * figures["agreement"]["mean"]:.1f} % of the pixels{_consistency(served, frozen)}')


def _consistency(*tracks: Mapping[str, Any]) -> str:
    values = [track['temporal_consistency'] for track in tracks]
    if None in values:
        return ''
    return ', temporal consistency ' + ', frozen '.join(f'{100 * value:.1f} %' for value in values)


def _speed(figures: Mapping[str, Any], camera_ms: float | None) -> str:
    p95 = figures['latency_ms']['p95']
    if figures['num_missed_frames']:
        share = 100 * figures['num_missed_frames'] / (figures['num_frames'] + figures['num_missed_frames'])
        return f'{figures["num_missed_frames"]} frames ({share:.1f} %) were dropped, as newer ones took their place'
    if camera_ms is None:
        return f'a mask takes {p95:.0f} ms (95 % of them)'
    enough = 'fast enough' if p95 < camera_ms else 'too slow'
    return (f'{enough} for this camera on this computer: 95 % of the masks take {p95:.0f} ms or less, a frame comes every '
            f'{camera_ms:.0f} ms')


def failures(figures: Mapping[str, Any], least_miou: float | None, most_regret: float | None) -> list[str]:
    """What does not pass, in words. least_miou: in percent. most_regret: points that the worst window may lose."""
    found = []
    if not figures['num_frames']:
        return ['no picture was segmented']
    if (least_miou is not None or most_regret is not None) and not figures['labelled_frames']:
        return ['no label matched a frame by its stamp and holds a class, so there is nothing to compare with a limit']
    if least_miou is not None and figures['served']['miou'] < least_miou:
        found.append(f'mIoU {figures["served"]["miou"]:.2f} % is below --min-miou {least_miou:g}')
    if most_regret is not None and -figures['paired']['regret'] > most_regret:
        found.append(f'the worst window loses {-figures["paired"]["regret"]:.2f} points, above --max-regret {most_regret:g}')
    return found

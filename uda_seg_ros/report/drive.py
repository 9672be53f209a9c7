"""The record of a drive that the report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..labels import LabelSpace


@dataclass(frozen=True)
class Moment:
    """One frame. time_s: since the first. latency_ms, confidence (percent, mean), miou (percent): None if there is none.

    agreement: percent of the pixels that are of one class in both masks, where the drive was played twice.
    """

    index: int
    time_s: float
    segment: str
    latency_ms: float | None = None
    confidence: float | None = None
    miou: float | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class Drive:
    """What the page shows. summary: what summary.json holds. shares: percent of the masks' pixels by class name.

    video, poster, sheet: file names beside the page, '' if there is none. adapted: the moments of the same drive played
    through the adapting node, whose figures are summary['adapted']; empty if there is none.
    """

    summary: Mapping[str, Any]
    moments: Sequence[Moment]
    space: LabelSpace
    shares: Mapping[str, float]
    video: str = ''
    poster: str = ''
    sheet: str = ''
    adapted: Sequence[Moment] = ()


def caption(moment: Moment, latency: bool = True) -> str:
    """'12.3 s   fog   41 ms   mIoU 43.0 %', or 'dropped' where there is no mask."""
    parts = [f'{moment.time_s:.1f} s', moment.segment]
    if moment.latency_ms is None:
        parts.append('dropped')
    elif latency:
        parts.append(f'{moment.latency_ms:.0f} ms')
    if moment.miou is not None:
        parts.append(f'mIoU {moment.miou:.1f} %')
    return '   '.join(parts)

"""A line of result.jsonl: one picture, as figures. Everything in summary and page is made of these lines."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..online.status import AdaptationStatus
from .drive import Shot
from .judge import histogram, sparse
from .networks import View

FILE = 'result.jsonl'
DIGITS = 6


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture that was segmented. frozen: the same as `served` where nothing adapts.

    label: HxW uint8 train ids of the judge's space, None without. consistency: of served and frozen. shift: score.
    confusions: of served and frozen with the label. status: of the adapter after the picture.
    """

    shot: Shot
    image: np.ndarray
    served: View
    frozen: View
    version: int
    latency_ms: float
    shift: float | None
    consistency: tuple[float | None, float | None]
    label: np.ndarray | None = None
    confusions: tuple[np.ndarray, np.ndarray] | None = None
    events: tuple = ()
    status: AdaptationStatus | None = None


def of_seen(seen: Seen, adapts: bool) -> dict[str, Any]:
    """Frame: which picture. Stamp: of its header. Result: what came of it; 'frozen' only where something adapts."""
    views = [('served', seen.served)] + [('frozen', seen.frozen)] * adapts
    result: dict[str, Any] = {'weights_version': seen.version, 'latency_ms': round(seen.latency_ms, 3),
                              'shift_score': seen.shift}
    if adapts:
        result['agreement'] = float((seen.served.mask == seen.frozen.mask).mean())
    for place, (name, view) in enumerate(views):
        result[name] = {'confidence': float(view.confidence.mean()) / 255, 'entropy': view.entropy,
                        'temporal_consistency': seen.consistency[place], 'classes': histogram(view.mask)}
        if seen.confusions is not None:
            result[name]['confusion'] = sparse(seen.confusions[place])
    result['events'] = [{'kind': event.kind, 'text': event.text} for event in seen.events]
    return {**_of_shot(seen.shot), 'Result': result}


def of_dropped(shot: Shot) -> dict[str, Any]:
    """A picture that a newer one took the place of."""
    return {**_of_shot(shot), 'Result': {'dropped': True}}


def _of_shot(shot: Shot) -> dict[str, Any]:
    seconds, nanoseconds = divmod(shot.stamp_ns, 1_000_000_000)
    return {'Frame': {'time_s': shot.time_s, 'bag': shot.bag, 'bag_time_s': shot.bag_time_s},
            'Stamp': {'sec': seconds, 'nanosec': nanoseconds}}


class Lines:
    """Writes result.jsonl."""

    def __init__(self, path: Path, adapts: bool) -> None:
        self._file = open(path, 'w', encoding='utf-8')  # noqa: SIM115
        self._adapts = adapts

    def add(self, seen: Seen) -> None:
        self._write(of_seen(seen, self._adapts))

    def drop(self, shot: Shot) -> None:
        self._write(of_dropped(shot))

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(plain(line), allow_nan=False) + '\n')

    def close(self) -> None:
        self._file.close()


def plain(value: Any, digits: int = DIGITS) -> Any:
    """For JSON: floats rounded, None for what is no number."""
    if isinstance(value, dict):
        return {key: plain(each, digits) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, digits) for each in value]
    if isinstance(value, float):
        return round(value, digits) if math.isfinite(value) else None
    return value

"""What an adapter tells of itself: one immutable value, for diagnostics, logs and curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal['calibrate', 'idle', 'adapt', 'hold', 'return', 'safe']


@dataclass(frozen=True)
class Event:
    """Something that happened. kind: 'shift', 'promotion', 'rejection', 'rollback', 'return', 'safe', 'fault'.

    stamp_ns: of the frame at hand. text: one sentence with the figures that decided.
    """

    kind: str
    stamp_ns: int
    text: str


@dataclass(frozen=True)
class AdaptationStatus:
    """state: of the detector's machine. why: one sentence, why it does or does not adapt now.

    version: of the weights given out last, 0 for the frozen network's. scale: how far the served weights are from the frozen
    ones towards the teacher's, 0 to 1. share: of the target in the statistics that are served, 0 to 1. step: training steps
    since start. loss: of the last step, NaN before. shift: score, 0 at the source's median, 1 at its 99 % quantile.
    key_frames: in memory. learned: whether anything is that a reset would forget, served or waiting. events: the last ones,
    oldest first.
    """

    state: State
    why: str
    version: int = 0
    scale: float = 0.0
    share: float = 0.0
    step: int = 0
    loss: float = float('nan')
    shift: float = 0.0
    key_frames: int = 0
    promotions: int = 0
    rejections: int = 0
    rollbacks: int = 0
    learned: bool = True
    events: tuple[Event, ...] = ()

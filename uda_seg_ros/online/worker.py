"""Where an adapter runs: beside inference, which never waits for it and outlives it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from ..structures import Frame
from .status import AdaptationStatus, Event

Request = Literal['pause', 'resume', 'reset', 'rollback', 'save', 'load']
Condition = Literal['warming', 'running', 'paused', 'restarting', 'failed', 'closed']
Backend = Literal['thread', 'process']
Rank = Literal['idle', 'nice', 'normal']
GiveWay = Literal['auto', 'always', 'never']

PLENTY = 4  # processors: the learner has a core of its own then


@dataclass(frozen=True)
class WorkerStatus:
    """condition: of the learner. text: one sentence, what it does, or what happened to it and what comes next.

    adaptation: the adapter's own word, the last one where the learner is gone. alive: whether a learner runs now.
    version: of the weights given out last; it counts on through restarts. pid: of the learner's process. events: the last
    things that happened to the learner, oldest first.
    """

    condition: Condition
    text: str
    backend: Backend
    adaptation: AdaptationStatus | None = None
    alive: bool = False
    restarts: int = 0
    version: int = 0
    frames: int = 0
    pid: int | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Terms:
    """On what terms a learner works.

    rank: of its process among all: 'idle' gets only what nobody else wants. give_way: whether its process stands still while
    a frame is segmented, because processors that share a core or a cache feel each other whatever the ranks; 'auto': where
    this process may use fewer than PLENTY of them. Some time is left to it even by a camera without pauses. max_duty: share
    of the time that it may compute.

    heartbeat_s: so long it may be silent while it gets nothing done, start_s: while it starts. restarts: attempts in
    succession; one that lives for steady_s ends the succession. back_off_s: before the first, doubled with each.
    unwatched_s: so long weights stay in service that no learner watches, as it is given up, starves or starts over and over;
    then the frozen ones come back, and the learner begins anew from them. A paused learner is one that watches. file: where
    adapted weights are kept, None for nowhere; resume: whether they are taken up at the start. autosave_s: between two
    savings.
    """

    rank: Rank = 'idle'
    give_way: GiveWay = 'auto'
    max_duty: float = 1.0
    heartbeat_s: float = 30.0
    start_s: float = 300.0
    restarts: int = 3
    steady_s: float = 60.0
    back_off_s: float = 1.0
    unwatched_s: float = 300.0
    file: Path | None = None
    resume: bool = True
    autosave_s: float = 60.0

    @property
    def gives_way(self) -> bool:
        return self.give_way == 'always' or (self.give_way == 'auto' and len(os.sched_getaffinity(0)) < PLENTY)


class Worker(Protocol):
    """Runs an adapter and makes nobody wait. Every method returns at once but close(), which takes 2 s at most."""

    def offer(self, frame: Frame) -> None:
        """A frame just segmented, to learn from. The newest wins."""

    def take(self) -> Any:
        """The newest weights not taken yet, ready for Engine.load_weights; None if there are none."""

    def ask(self, request: Request, path: Path | None = None) -> None:
        """Have something done; the outcome is told by the status. path: for 'save' and 'load'."""

    def giving_way(self) -> AbstractContextManager:
        """Within it a frame is segmented: the learner stands still, where its terms ask for that."""

    def rest(self, resting: bool, why: str = ...) -> None:
        """Have the learner rest, whatever was asked for: for whoever stops serving for a while. why: for the status."""

    @property
    def status(self) -> WorkerStatus:
        """The state of things now."""

    def close(self) -> None:
        """End the learner."""

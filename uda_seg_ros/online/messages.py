"""What a learner and its keeper tell each other, and the two ends of the line between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .status import AdaptationStatus


class Closed(Exception):
    """The other end is gone, or has said good-bye."""


class Dropped(Closed):
    """The keeper has given this learner up: it must leave no trace, no file either."""


@dataclass(frozen=True)
class Mode:
    """To the learner: whether it is to stand still."""

    still: bool


@dataclass(frozen=True)
class Ask:
    """To the learner: 'reset', 'rollback', 'save' or 'load', or the keeper's own 'begin anew'."""

    request: str
    path: Path | None = None


@dataclass(frozen=True)
class Report:
    """From the learner, after every piece of work: that it lives, how it is, and whether it wants another frame.

    frames: that it has received.
    """

    status: AdaptationStatus
    hungry: bool
    frames: int


@dataclass(frozen=True)
class Happened:
    """From the learner: an event of its own, such as a file that was saved or refused."""

    kind: str
    text: str


@dataclass(frozen=True)
class Fault:
    """From the learner, its last word. final: another attempt would end alike."""

    text: str
    final: bool


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What `persistence.pack` made of an adapter: with it a learner goes on where another ended."""

    content: bytes | memoryview


@dataclass(frozen=True)
class Outdated:
    """From the learner, before weights that take something back: what it gave to keep is nothing to go on from any more.

    asked: by an Ask, to which this is the answer.
    """

    asked: bool


class Link(Protocol):
    """The learner's end. Both raise Closed."""

    def send(self, message: Any) -> None:
        """Report, Happened, Fault, Snapshot, Outdated or Weights."""

    def receive(self, timeout_s: float) -> Any:
        """A Frame, Mode or Ask; None if none came in time."""


class Learning(Protocol):
    """The keeper's end: a learner that runs."""

    pid: int | None

    def fileno(self) -> int:
        """Readable when `receive` has something, or the learner has ended."""

    def send(self, message: Any) -> bool:
        """Never waits. False if the line is full: try again."""

    def receive(self) -> list[Any]:
        """What has come so far. Raises Closed when the learner has ended and nothing is left."""

    def excuse(self, limit_s: float) -> str:
        """Why it is silent for so long although it is well, in words; '' if it hangs."""

    def ended(self) -> str:
        """How it ended, in words."""

    def kill(self) -> None:
        """End it at once."""

    def part(self, timeout_s: float) -> list[Any]:
        """Say good-bye, and wait so long for it to end. What it said meanwhile."""

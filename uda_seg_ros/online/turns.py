"""What an adapter does at a turn of its course."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..structures import Weights
from .course import Turn
from .following import FIRST, measure
from .serving import Serving

if TYPE_CHECKING:
    from .adapter import Adapter


def turned(adapter: Adapter, turn: Turn) -> Weights | None:
    """Enter the state that a turn leads to. The weights that are to be served from now on, if others than before."""
    return TURNS[turn.kind](adapter, turn)


def _shift(adapter: Adapter, turn: Turn) -> None:
    adapter.journal.tell('shift', turn.text)
    adapter.course.enter('adapt')
    adapter.trial = None
    if adapter.served.now.is_frozen:
        adapter.memory.shift(FIRST)
        adapter.floor.restart()
        adapter.sureness.restart()
        for picture in adapter.memory.recent:
            measure(adapter, picture)
    adapter.clock.drop('floor')
    adapter.patience.begin()
    adapter.candidacy.begin(adapter.learner.step)
    adapter.learner.rate = 1.0
    if adapter.settings.training.on:
        adapter.learner.begin(adapter.course.shift)


def _return(adapter: Adapter, turn: Turn) -> Weights | None:
    """The frozen network is served, exactly; what was served waits."""
    adapter.journal.tell('return', f'the source is back: {turn.text}')
    adapter.course.enter('return')
    adapter.trial = None
    adapter.sureness.restart()
    adapter.watch.restart()
    return adapter.served.park()


def _resume(adapter: Adapter, turn: Turn) -> Weights | None:
    adapter.journal.tell('shift', f'the shift is back: {turn.text}')
    adapter.course.enter('adapt')
    if adapter.settings.training.on:
        adapter.learner.begin(adapter.course.shift)
    adapter.clock.begin('valid')
    adapter.watch.restart()
    return adapter.served.unpark()


def _settled(adapter: Adapter, turn: Turn) -> Weights | None:
    """The frozen network is served, whatever a rollback brought back meanwhile."""
    given = None if adapter.served.now.is_frozen else adapter.serve(Serving())
    adapter.course.enter('idle')
    adapter.memory.clear()
    adapter.learner.restart({})
    adapter.served.forget()
    adapter.journal.why = f'normal again: {turn.text}'
    return given


TURNS: dict[str, Callable[[Adapter, Turn], Weights | None]] = {
    'shift': _shift, 'return': _return, 'resume': _resume, 'settled': _settled}

"""An adapter's status, and why it does or does not adapt, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .status import AdaptationStatus

if TYPE_CHECKING:
    from .adapter import Adapter


def status_of(adapter: Adapter) -> AdaptationStatus:
    counts, served, memory = adapter.journal.counts, adapter.served.now, adapter.memory
    return AdaptationStatus(
        adapter.course.state, why(adapter), adapter.served.version, served.scale, served.share, adapter.learner.step,
        adapter.loss, adapter.course.shift, len(memory.train) + len(memory.held_out), counts['promotion'],
        counts['rejection'], counts['rollback'], adapter.served.learned, adapter.journal.news)


def why(adapter: Adapter) -> str:
    """One sentence with the figures that decided."""
    if adapter._fault:
        return f'nothing is learned from this: {adapter._fault.strip()}'
    if adapter.course.state == 'idle':
        return (f'not adapting: shift score {adapter.course.shift:.1f}, normal is below '
                f'{adapter.settings.detector.normal:g}, and no test fired; {adapter.journal.why}')
    return adapter.journal.why

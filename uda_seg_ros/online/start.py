"""Which worker a device wants, and its start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..structures import Weights
from .factory import Factory
from .keeper import Keeper
from .worker import Backend, Terms


def choose_backend(wanted: Literal['auto', 'thread', 'process'], device: str) -> Backend:
    """'auto': a thread on CUDA, which ranks the streams of one process only; a process on a CPU, which the kernel ranks."""
    if wanted != 'auto':
        return wanted
    return 'thread' if device.startswith('cuda') else 'process'


def start_worker(backend: Backend, factory: Factory, terms: Terms, prepare: Callable[[Weights], Any]) -> Keeper:
    """prepare: of the engine that will serve. The learner starts in the background: this returns at once."""
    if backend == 'process':
        from .process_worker import ProcessWorker
        return ProcessWorker(factory, terms, prepare)
    from .thread_worker import ThreadWorker
    return ThreadWorker(factory, terms, prepare)

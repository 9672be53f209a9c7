"""What a learner costs the camera: latencies with adaptation on and off, in turns, at the rate of a camera.

Off means that the learner rests. Both kinds of turn lie close together in time, so that other load on the computer hits
both, and their ratio says more than either.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bundle import Bundle
from ..runtime.engine import Engine
from ..structures import Frame
from .factory import Factory
from .segmenter import Segmenter
from .start import choose_backend, start_worker
from .worker import Terms, Worker

SETTLING = 3  # frames of a turn that do not count
START_S = 300.0


class BenchmarkError(RuntimeError):
    """The learner cannot run. The text says why."""


@dataclass(frozen=True)
class Side:
    """Milliseconds from a frame's due time to its mask, swaps included. dropped: frames that a newer one overtook."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    frames: int
    dropped: int


@dataclass(frozen=True)
class Report:
    """ratio: on by off, 1 is best. steps, swaps: training steps and weights given out: that it worked at all."""

    network: str
    backend: str
    rate_hz: float
    on: Side
    off: Side
    ratio: dict[str, float]
    steps: int
    swaps: int
    state: str

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def as_text(self) -> str:
        lines = [f'{self.network} at {self.rate_hz:g} Hz, learner as a {self.backend}: {self.steps} steps, '
                 f'{self.swaps} swaps; {self.state}',
                 f'{"":<12}{"p50 ms":>9}{"p95 ms":>9}{"p99 ms":>9}{"frames":>9}{"dropped":>9}']
        lines += [f'{name:<12}{side.p50_ms:>9.2f}{side.p95_ms:>9.2f}{side.p99_ms:>9.2f}{side.frames:>9}{side.dropped:>9}'
                  for name, side in (('on', self.on), ('off', self.off))]
        return '\n'.join([*lines, f'{"on by off":<12}' + ''.join(f'{value:>9.2f}' for value in self.ratio.values())])


def benchmark(factory: Factory, pictures: Sequence[np.ndarray], *, rate_hz: float = 10.0, turn_s: float = 10.0,
              turns: int = 6, backend: str = 'auto', terms: Terms = Terms(), threads: int = 1) -> Report:  # noqa: B008
    """Show the pictures one after the other, again and again. turns: of each kind. Raises BenchmarkError."""
    bundle = Bundle.load(factory.folder)
    engine = Engine(bundle, device=factory.device, threads=threads, size=factory.size)
    chosen = choose_backend(backend, str(engine.device))
    worker = start_worker(chosen, factory, terms, engine.prepare)
    try:
        camera = Camera(engine, worker, pictures, rate_hz)
        camera.wait()
        first, served = worker.status.adaptation.step, engine.weights_version
        for number in range(2 * turns):
            camera.turn(bool(number % 2), turn_s)
        status = worker.status
        if not status.alive:
            raise BenchmarkError(f'the learner did not last: {status.text}')
    finally:
        worker.close()
    on, off = (_side(camera.latencies_ms[kind], camera.dropped[kind]) for kind in (True, False))
    ratio = {name: getattr(on, name) / getattr(off, name) for name in ('p50_ms', 'p95_ms', 'p99_ms')}
    return Report(bundle.model.name, chosen, rate_hz, on, off, ratio, status.adaptation.step - first,
                  engine.weights_version - served, status.text)


class Camera:
    """A camera with its clock: frames fall due at the rate; of those that wait the newest is served."""

    def __init__(self, engine: Engine, worker: Worker, pictures: Sequence[np.ndarray], rate_hz: float) -> None:
        self._segmenter, self._worker, self._pictures = Segmenter(engine, worker), worker, pictures
        self._period_s, self._number = 1 / rate_hz, 0
        self.latencies_ms: dict[bool, list[float]] = {True: [], False: []}
        self.dropped = {True: 0, False: 0}

    def wait(self) -> None:
        """Until the learner runs."""
        until_s = time.monotonic() + START_S
        while self._worker.status.condition != 'running':
            if self._worker.status.condition == 'failed' or time.monotonic() > until_s:
                raise BenchmarkError(f'the learner cannot run: {self._worker.status.text}')
            self._serve()
            time.sleep(self._period_s)

    def turn(self, on: bool, seconds: float) -> None:
        """Frames for so long with the learner on or at rest."""
        self._worker.rest(not on)
        begin_s = time.monotonic()
        last, count = -1, max(1, round(seconds / self._period_s)) + SETTLING
        while last + 1 < count:
            due = max(last + 1, int((time.monotonic() - begin_s) / self._period_s))
            due_s = begin_s + due * self._period_s
            time.sleep(max(0.0, due_s - time.monotonic()))
            self._serve()
            if due >= SETTLING:
                self.latencies_ms[on].append((time.monotonic() - due_s) * 1e3)
                self.dropped[on] += due - last - 1
            last = due

    def _serve(self) -> None:
        picture = self._pictures[self._number % len(self._pictures)]
        self._number += 1
        self._segmenter(Frame(picture, round(self._number * self._period_s * 1e9)))


def _side(latencies_ms: Sequence[float], dropped: int) -> Side:
    return Side(*np.percentile(latencies_ms, (50, 95, 99)).tolist(), len(latencies_ms), dropped)

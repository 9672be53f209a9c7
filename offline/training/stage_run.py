"""The training of one stage: from its checkpoint or from the beginning, with log, checkpoints and an orderly stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..samples import Batch
from .checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from .log_pictures import of_step
from .logbook import Logbook
from .loss_history import TrainingError
from .run_folder import StageFolder
from .schedule import rate_factor
from .trainer import Trainer, autocast

STOPS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Somebody asked to stop, and the checkpoint is written. The text says how to go on."""


@dataclass(frozen=True)
class Intervals:
    """log, pictures: in steps. checkpoint_s: least time between two checkpoints; 0 writes one after every step."""

    log: int = 10
    pictures: int = 500
    checkpoint_s: float = 180.0


class StageRun:
    """One stage. `resume` first, then `train`."""

    def __init__(self, trainer: Trainer, folder: StageFolder, intervals: Intervals, report: Callable[[str], None]) -> None:
        self.trainer, self.folder, self._intervals, self._report = trainer, folder, intervals, report
        self.seconds, self.images = 0.0, 0
        self._saved, self._saved_step, self._stop = time.monotonic(), -1, False

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one. Raises CheckpointError."""
        if not self.folder.checkpoint.exists():
            return False
        state = load_checkpoint(self.folder.checkpoint)
        try:
            self.trainer.load_state_dict(state['trainer'])
            self.seconds, self.images = state['seconds'], state['images']
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f'{self.folder.checkpoint}: does not fit this version of the program: '
                                  f'{" ".join(str(error).split())}; remove the file to begin the stage anew') from error
        self._saved_step = self.trainer.step
        return True

    def save(self) -> None:
        """Write the checkpoint, unless something since the last one is not finite; only rank 0 writes."""
        if self.trainer.world.leads:
            save_checkpoint(self.folder.checkpoint, {'trainer': self.trainer.state_dict(), 'seconds': self.seconds,
                                                     'images': self.images})
        self._saved, self._saved_step = time.monotonic(), self.trainer.step

    def train(self, batches: Iterator[Batch], logbook: Logbook | None) -> None:
        """Until the stage's last step. logbook: None where this process does not lead.

        Raises TrainingError for a loss or gradient that is not finite, Interrupted after SIGINT or SIGTERM.
        """
        self._logbook, self._since, self._last = logbook, 0, time.monotonic()
        with self._signals():
            try:
                self.trainer.fit(batches, self._after_step)
                self._settle()
            except TrainingError as error:
                kept = (f'the checkpoint of step {self._saved_step} is kept' if self._saved_step >= 0 else
                        'there is no checkpoint yet')
                raise TrainingError(f'{self.folder.path.name}: {error}; {kept}; lower the learning rate, or set '
                                    'optimiser.clip') from None

    def _after_step(self, batch: Batch) -> None:
        trainer, step = self.trainer, self.trainer.step
        self._since += len(batch.source_image) * trainer.world.size
        due = time.monotonic() - self._saved >= self._intervals.checkpoint_s and trainer.world.leads
        if step % self._intervals.log == 0 or step == trainer.steps or due or self._stop:
            self._settle()
        if self._logbook and self._logbook.wants_pictures and (step % self._intervals.pictures == 0 or step == 1):
            self._show(batch)
        if due or self._stop:
            self.save()
        if self._stop:
            raise Interrupted(
                f'stopped after step {step}, the checkpoint is written; to go on: the same command with --resume')

    def _settle(self) -> None:
        """Wait for the device, check, and log what came since the last time."""
        values = self.trainer.history.fetch()
        now = time.monotonic()
        if not values:
            return
        seconds, self._last = now - self._last, now
        self.seconds, self.images, images, self._since = self.seconds + seconds, self.images + self._since, self._since, 0
        if self._logbook:
            factor = rate_factor(self.trainer.step - 1, self.trainer.steps, self.trainer.schedule)
            self._logbook.record(self.trainer.step, values, factor, images / max(seconds, 1e-9))

    def _show(self, batch: Batch) -> None:
        device = self.trainer.world.device
        with autocast(device):
            pictures = of_step(batch.to(device), self.trainer.method)
        self._logbook.show_pictures(self.trainer.step, **pictures)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM asks for a stop after the step, a second SIGINT stops at once. Ranks that do not lead
        ignore both: they end when the leading one does, which would wait for them in vain if they went first.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in STOPS}

        def ask(number: int, frame: object) -> None:
            if self.trainer.world.leads:
                self._stop = True
                signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in STOPS:
            signal.signal(number, ask)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

"""The loop in which an adapter lives, in a thread or a process of its own: frames in, weights out, signs of life always."""

from __future__ import annotations

import contextlib
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from ..structures import Frame, Weights
from .factory import Factory
from .messages import Ask, Closed, Dropped, Fault, Happened, Link, Mode, Outdated, Report, Snapshot
from .persistence import SavedError, forget, pack, read, unpack, write
from .rehearsal import Rehearsal
from .status import Event
from .worker import Terms

IDLE_S = 0.2  # between two signs of life while nothing comes
TAKING_BACK = ('rollback', 'safe')  # kinds of an adapter's events; a return to the source says nothing against what waits


class Broken(RuntimeError):
    """The adapter gave what must not be served. The text says what."""


@dataclass(frozen=True, eq=False)
class Start:
    """How a learner begins. snapshot: of the one before it. file: to take weights up from. anchored: with the frozen ones,
    because weights of a learner that is lost are served."""

    snapshot: bytes | memoryview | None = None
    file: Path | None = None
    anchored: bool = False


def learn(link: Link, factory: Factory, terms: Terms, start: Start) -> None:
    """Until the link is closed, or the adapter fails; then the last word on the link is a Fault in words."""
    building = True
    try:
        learner = Learner(link, factory, terms)
        building = False
        learner.begin(start)
        learner.run()
    except Closed:
        pass
    except BaseException as error:  # MemoryError, SystemExit and their kin too: inference must learn of it
        ours = isinstance(error, (ValueError, RuntimeError)) and type(error).__module__.startswith('uda_seg_ros.')
        with contextlib.suppress(Closed):
            link.send(Fault(str(error) if ours else _in_words(error), final=building and ours))


def _in_words(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = ' '.join(str(error).split()) or 'no more is known'
    kind = 'out of memory' if isinstance(error, MemoryError) else type(error).__name__
    return f'{kind}: {text} ({Path(place.filename).name}:{place.lineno})'


class Learner:
    """Feeds an adapter piece by piece and hands on what it gives, once that has been rehearsed."""

    def __init__(self, link: Link, factory: Factory, terms: Terms) -> None:
        self._link, self._factory, self._terms = link, factory, terms
        self._bundle = factory.bundle()
        self._anchor = factory.anchor()
        self._adapter = factory.adapter(self._bundle)
        self._rehearse = Rehearsal(self._bundle, device=factory.device, size=factory.size)
        self._still, self._hungry, self._frames = False, True, 0
        self._frame: Frame | None = None
        self._given: Weights | None = None
        self._taken_back: Event | None = None  # the last one that was known when weights were given
        self._knows = False  # whether anything was learned then
        self._unsaved, self._saved_s = False, float('-inf')
        self._rests_until_s = 0.0

    def begin(self, start: Start) -> None:
        """Go on from a snapshot or a file; one that cannot be used is told of in one line, and left."""
        source = start.snapshot or start.file
        try:
            if source is not None:
                return self._take_up(source, 'the snapshot' if source is start.snapshot else source)
        except FileNotFoundError:
            pass
        except SavedError as error:
            self._tell('refused', str(error))
        if start.anchored:
            self._give(self._adapter.reset())

    def run(self) -> None:
        """Until Closed. What is not saved then is saved on the way out."""
        try:
            while True:
                self._round()
        except Dropped:
            raise
        except Closed:
            self._save_by_itself()
            raise

    def _round(self) -> None:
        free = not self._still and time.monotonic() >= self._rests_until_s
        self._link.send(Report(self._adapter.status, self._hungry and free, self._frames))
        message = self._link.receive(0.0 if free and self._adapter.busy else IDLE_S)
        began_s = time.monotonic()
        if isinstance(message, Mode):
            self._still = message.still
        elif isinstance(message, Ask):
            self._answer(message)
        elif message is not None:
            self._observe(message)
        idle = message is None
        if free and not self._still and self._adapter.busy:
            self._give(self._adapter.update())
            idle = False
        if not idle:  # or looking whether it may work would itself cost it the time to work
            self._note_work(began_s)
        if self._unsaved and time.monotonic() - self._saved_s > self._terms.autosave_s:
            self._save_by_itself()

    def _note_work(self, began_s: float) -> None:
        """Set the time to rest, so that work takes no more than its share."""
        now_s = time.monotonic()
        self._rests_until_s = max(self._rests_until_s, now_s + (now_s - began_s) * (1 / self._terms.max_duty - 1))

    def _observe(self, frame: Frame) -> None:
        self._hungry, self._frames = True, self._frames + 1
        if not self._still:
            self._frame = frame
            self._give(self._adapter.observe(frame))

    def _give(self, weights: Weights | None, outdated: Outdated | None = None, renews: bool = False) -> None:
        """Where something is taken back, what was kept goes first and is renewed at once: no death must bring it back.

        renews: the file that was kept stays until then.
        """
        if weights is None:
            return
        if reason := self._rehearse(weights, self._frame):
            raise Broken(f'the learner gave weights that must not be served: {reason}')
        if self._takes_back() and outdated is None:
            outdated = Outdated(asked=False)
        if outdated is not None:
            self._link.send(outdated)
            if not renews:
                forget(self._terms.file)
        self._given, self._unsaved = weights, True
        self._link.send(weights)
        if outdated is not None:
            self._save_by_itself()

    def _takes_back(self) -> bool:
        """Whether the adapter has taken something back, or forgotten all it knew, since weights were given last."""
        before, self._taken_back = self._taken_back, self._last_taken_back()
        knew, self._knows = self._knows, self._adapter.status.learned
        return self._taken_back not in (None, before) or (knew and not self._knows)

    def _last_taken_back(self) -> Event | None:
        return next((event for event in reversed(self._adapter.status.events) if event.kind in TAKING_BACK), None)

    def _answer(self, ask: Ask) -> None:
        if ask.request == 'reset':
            self._give(self._adapter.reset(), Outdated(asked=True))
        elif ask.request == 'begin anew':
            self._give(self._adapter.reset(), Outdated(asked=False), renews=True)
        elif ask.request == 'rollback':
            self._give(self._adapter.rollback(), Outdated(asked=True))
        elif ask.request == 'save':
            self._save(ask.path)
        else:
            try:
                self._take_up(ask.path, ask.path, Outdated(asked=False))
            except FileNotFoundError:
                self._tell('refused', f'{ask.path}: not found')
            except SavedError as error:
                self._tell('refused', str(error))

    def _take_up(self, source: bytes | memoryview | Path, where: object, outdated: Outdated | None = None) -> None:
        saved = read(source, self._anchor) if isinstance(source, Path) else unpack(source, self._anchor, where)
        if reason := self._rehearse(saved.weights, self._frame):
            raise SavedError(f'{where}: {reason}; ignored')
        try:
            self._adapter.load_state_dict(saved.state)
        except Exception as error:  # from another release of the adapter, say; what it holds now nobody knows
            self._adapter = self._factory.adapter(self._bundle)
            if self._given is not None:
                self._give(self._adapter.reset(), Outdated(asked=False), renews=True)
            raise SavedError(f'{where}: the adapter cannot take it up ({_in_words(error)}); ignored') from error
        self._takes_back()  # what the file tells of is history
        self._give(saved.weights, outdated, renews=True)
        self._tell('resumed', f'{where}: taken up')

    def _save_by_itself(self) -> None:
        """What fails is tried again when it is time for the next saving."""
        if self._unsaved:
            self._saved_s = time.monotonic()
            content = pack(self._anchor, self._given, self._adapter.state_dict())
            self._say(Snapshot(content))
            self._unsaved = self._terms.file is not None and not self._write(self._terms.file, content)

    def _save(self, path: Path) -> None:
        if self._given is None or not self._adapter.status.learned:
            self._tell('refused', f'{path}: nothing to save, there are the frozen weights alone')
        elif self._write(path, pack(self._anchor, self._given, self._adapter.state_dict())):
            self._tell('saved', f'{path}: saved')

    def _write(self, path: Path, content: bytes | memoryview) -> bool:
        try:
            write(path, content)
        except OSError as error:
            self._tell('refused', f'{path}: cannot be written ({error.strerror}); is the folder there and writable?')
            return False
        return True

    def _tell(self, kind: str, text: str) -> None:
        self._say(Happened(kind, text))

    def _say(self, message: Snapshot | Happened) -> None:
        """Also to a keeper that listens no more. Raises Dropped."""
        try:
            self._link.send(message)
        except Dropped:
            raise
        except Closed:
            pass

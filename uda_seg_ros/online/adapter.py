"""The adapter: watches frames, learns in short pieces, gives out weights that passed a gate. No threads, no wall clock.

Same bundle, settings, seed and sequence of calls: the same weights, bit for bit on a CPU.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from ..bundle import Bundle
from ..runtime.engine import choose_device
from ..structures import Frame, Weights
from .agenda import floor_due, gate_due, may_train, next_trial, review_due, to_label
from .anchor import Anchor
from .batch import draw, rare_first
from .candidacy import Candidacy
from .clock import Clock
from .course import Course, Turn
from .decisions import SLOWEST, conclude, serve_untried, start_over
from .eye import Eye
from .floor import Floor
from .following import follow
from .gate import LEARNER
from .journal import Journal
from .memory import Memory
from .patience import Patience
from .pictures import Normalise
from .rota import Rota
from .saved import digest, restore, saved
from .served import Served
from .serving import Serving
from .settings import DEFAULTS, AdaptationError, AdapterSettings
from .source import Source
from .status import AdaptationStatus
from .sureness import Sureness
from .telling import status_of
from .training import Learner
from .trial import Masks, Trial, shrunk
from .turns import turned
from .views import label_frame
from .watch import Watch, common


class Adapter:
    """observe(frame) after each frame served, update() while `busy`. Both may return weights, which count up from version 1.

    served: what is given out. course: the detector's states. trial: the one in work. trials: how many of each kind there
    were. masks: runs any set of weights. normalise: from pixels to the network's input, on `device`. labelled_at: training
    step at which a key-frame was labelled last.
    """

    def __init__(self, bundle: Bundle, settings: AdapterSettings = DEFAULTS, *, seed: int = 0, device: str = 'cpu',
                 size: tuple[int, int] | None = None) -> None:
        """size: (height, width) of the network's input as the engine's, instead of the bundle's.

        Raises AdaptationError where the bundle lacks the labelled source, and EngineError for a device that is not there.
        """
        self.settings, self.seed, self.labels = settings, seed, bundle.labels
        preprocess = bundle.preprocess
        if size is not None:
            preprocess = replace(preprocess, height=size[0], width=size[1], keep_aspect=False)
        self.device = choose_device(device)
        source = Source(bundle)
        self.anchor = Anchor(bundle, self.device)
        self.normalise = Normalise(bundle.preprocess, self.device)
        self.masks = Masks(copy.deepcopy(self.anchor.network), self.normalise, self.device)
        self._chances = rare_first(source.replay.class_pixels)
        self._common = common(source.gate.class_pixels)
        self.eye = Eye(self.anchor, source, preprocess)
        self._begin(0)

    def _begin(self, version: int) -> None:
        """Everything that a reset forgets."""
        settings = self.settings
        self.memory, self.journal, self.course = Memory(settings.memory), Journal(), Course(settings.detector)
        self.floor = Floor(copy.deepcopy(self.anchor.network), settings.floor.rate)
        self.learner = Learner(self.anchor, self.normalise, settings.training)
        self.watch, self.clock, self.candidacy = Watch(settings.watch, self._common), Clock(), Candidacy(settings.gate)
        self.patience, self.sureness, self.rota = Patience(settings.floor), Sureness(settings.floor), Rota()
        self.served = Served(self.anchor.tensors, settings.gate, self.clock, self.journal, version)
        self.trial: Trial | None = None
        self._compare = self._has_compared = False
        self._fault, self.loss = '', float('nan')
        self._calls = self._pairs = 0
        self._known: dict[int, np.ndarray] = {}
        self.labelled_at = -99
        self.trials: Counter[str] = Counter()
        if self.eye.normal is not None:
            self.course.enter('idle')
        self.journal.why = 'nothing seen yet'

    # --- a frame ---

    def observe(self, frame: Frame) -> Weights | None:
        """A frame that was just segmented. Returns weights that are to be served at once, or None.

        Frame.stamp_ns is the clock; a frame that is not newer than its camera's one before is passed over.
        """
        look_s = self.settings.detector.look_s
        if not self.clock.advance(frame.stamp_ns, frame.camera) or not self.rota.takes(frame.camera, self.clock, look_s):
            return None
        self.journal.now_ns = frame.stamp_ns
        if not self.eye.fits(frame):
            return self._at_another_size() if self.eye.outgrown else None
        fault, sight, score = self.eye.see(frame)
        if fault:
            return self._faulty(fault)
        self._fault = ''
        key_frame = self.memory.offer(sight)
        if score is None:
            self.journal.why = 'measuring what is normal on the source at {1}x{0} pixels'.format(*self.eye.size)
            return None
        if self.course.state == 'calibrate':
            self.course.enter('idle')
            self.journal.why = 'watching'
        self._compare = self.settings.watch.on and self.served.now.scale > 0
        turn = self.course.see(score, self.clock.now_ns)
        if turn:
            return turned(self, turn)
        if self.course.state == 'safe' and self.clock.due('safe', self.settings.gate.safe_s):
            return turned(self, Turn('settled', 'the lock is over'))
        return self._see_served(sight.picture) or self._expire() or follow(self, key_frame)

    def _at_another_size(self) -> Weights:
        """What was learned is of pictures of another size: nothing that was proven there is proven here."""
        height, width = self.eye.size
        self.eye.forget()
        given = self.reset()
        self.journal.tell('return', f'what is there was learned at {width}x{height} pixels, and these pictures are seen at '
                          'another size: begins anew with the frozen weights')
        return given

    def _faulty(self, reason: str) -> Weights | None:
        """Nothing is learned; it is told once for as long as it lasts."""
        kind = reason.split('(')[0]
        if kind != self._fault:
            why = self.journal.why
            self.journal.tell('fault', f'not learned from: {reason}')
            self.journal.why = why  # it holds again when the fault is over
        self._fault = kind
        return self._expire()

    def _expire(self) -> Weights | None:
        """A trial of what is no longer served is over."""
        given = self.served.expire(self.floor)
        if given:
            self.drop_trial()
            self.watch.restart()
        return given

    def drop_trial(self) -> None:
        """What it compares with is served no longer. A candidate whose trial it was is tried again."""
        if self.trial is not None and self.trial.kind == LEARNER:
            self.candidacy.tried = self.learner.step - self.settings.gate.every
        self.trial = None

    def _see_served(self, picture: np.ndarray) -> Weights | None:
        """Hard triggers: what the learned weights say of the picture at hand, beside the frozen ones."""
        if not (self.served.now.scale and self.settings.watch.on):
            return None
        masks = [self.masks(tensors, picture) for tensors in self._with_and_without_teacher()]
        reason = self.watch.look(*masks, self.anchor.num_classes)
        return self.revert(reason) if reason else None

    # --- pieces of work ---

    @property
    def busy(self) -> bool:
        """Whether update() has something to do before the next frame."""
        return bool(self.eye.calibrating or self._compare or self._has_more())

    def _has_more(self) -> bool:
        return bool(self.trial or floor_due(self) or review_due(self) or gate_due(self) or may_train(self) or to_label(self))

    def update(self) -> Weights | None:
        """One short piece: a crop of calibration or of a trial, a comparison of the watch, the label of a key-frame, or a
        training step.
        """
        self._calls += 1
        if self.eye.calibrating:
            return self.eye.calibrate()
        if self._compare and not (self._has_compared and self._has_more()):  # or quick looks leave a slow computer no time
            return self._compared()
        self._has_compared = False
        if self.trial is None and not self.settings.gate.on and gate_due(self):
            return serve_untried(self)
        self.trial = self.trial or next_trial(self)
        if self.trial is not None:
            self.trial.piece(self.masks, self.eye.gate, self.anchor.num_classes, self._known)
            return self._concluded() if self.trial.done else None
        frame = to_label(self)
        return label_frame(self, frame) if frame else self._train() if may_train(self) else None

    def _compared(self) -> Weights | None:
        """A labelled crop in the present style, learned weights against the frozen ones with the same statistics."""
        self._compare, self._has_compared = False, True
        self._pairs += 1
        image, label = self.eye.gate[self._pairs % len(self.eye.gate)]
        served, frozen = (self.masks(tensors, image, self.eye.last.picture)
                          for tensors in self._with_and_without_teacher())
        reason = self.watch.compare(shrunk(label), served, frozen, self.anchor.num_classes)
        return self.revert(reason, self.served.now.without_teacher()) if reason else None

    def _with_and_without_teacher(self) -> list[dict[str, torch.Tensor]]:
        return [each.tensors(self.anchor.tensors) for each in (self.served.now, self.served.now.without_teacher())]

    def _train(self) -> None:
        with torch.random.fork_rng(devices=[self.device] if self.device.type == 'cuda' else []):
            torch.manual_seed(self.seed * 1_000_003 + self._calls)
            rng = np.random.default_rng((self.seed, 2, self._calls))
            settings = self.settings.training
            batch = draw(self.eye.replay, self._chances, self.memory.labelled(self.served.now.share),
                         self.memory.recent if settings.restyle else (),
                         self.learner.styled, self.eye.size, settings.crop_of(self.eye.size), rng, self.device)
            mixed = self.served.now.buffers if self.served.now.share else self.floor.buffers(0.0)
            self.loss = self.learner.train(batch, self.floor.buffers(0.0), mixed)
        if not np.isfinite(self.loss):
            self.journal.tell('fault', 'the loss of a training step is not finite: the student starts anew')
            start_over(self, 'the student broke down again and again')
        elif not self.learner.left and not self.memory.held_out:
            self.hold('the steps for this shift are done')

    # --- decisions ---

    def _concluded(self) -> Weights | None:
        trial, self.trial = self.trial, None
        return conclude(self, trial)

    def hold(self, reason: str) -> None:
        """No training until the shift grows, or what is served must be taken back."""
        self.course.enter('hold')
        self.clock.begin('review')
        self.journal.why = f'no training: {reason}; last: {self.journal.why}'

    def revert(self, reason: str, to: Serving | None = None, asked: bool = False) -> Weights:
        """Take back what is served, and learn anew from there. to: instead of what was served before."""
        given = self.served.back(reason, to, asked)
        now = self.served.now
        self.trial = None
        self.clock.begin('floor')
        self.patience.taken_back(self.course.shift, asked)
        self.learner.restart(now.teacher if now.scale else {})
        self.learner.begin(self.course.shift)
        self.candidacy.begin(self.learner.step)
        self.watch.restart()
        if self.course.state == 'hold':
            self.course.enter('adapt')
            self.learner.rate = max(self.learner.rate, SLOWEST)
        return (None if asked else self._locked()) or given

    def _locked(self) -> Weights | None:
        if not self.served.locked():
            return None
        self.course.enter('safe')
        return self.served.give()

    def serve(self, serving: Serving) -> Weights:
        """Something else from now on; the watch begins anew."""
        self.watch.restart()
        return self.served.change(serving)

    def retreat(self, serving: Serving) -> Weights:
        """Something else, and what is served now is nothing to go back to."""
        self.watch.restart()
        return self.served.retreat(serving)

    def rollback(self) -> Weights:
        """The weights before, the frozen ones where there are none."""
        return self.revert('asked for', asked=True)

    def reset(self) -> Weights:
        """The frozen weights; student, memory, detector and events are forgotten."""
        self._begin(self.served.version)
        self.journal.why = 'reset'
        return self.served.give()

    # --- what is told and kept ---

    @property
    def status(self) -> AdaptationStatus:
        """Cheap; the events are the last ones."""
        return status_of(self)

    def state_dict(self) -> dict:
        """Tensors and plain values. A copy that is loaded goes on as this one would."""
        return {'anchor': digest(self.anchor.tensors), **saved(self)}

    def load_state_dict(self, state: Mapping) -> None:
        """Raises AdaptationError if it was saved beside other frozen weights."""
        if state.get('anchor') != digest(self.anchor.tensors):
            raise AdaptationError('the saved adaptation belongs to other weights than the bundle\'s; start without it')
        restore(self, state)


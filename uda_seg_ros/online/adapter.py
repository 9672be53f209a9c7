"""The adapter: watches frames, learns in short pieces, and gives out weights that passed a gate. No threads, no ROS, no wall clock.

Same bundle, settings, seed and sequence of calls: the same weights, bit for bit on a CPU.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
import torch

from ..bundle import Bundle
from ..runtime.engine import choose_device
from ..structures import Frame, Weights
from .anchor import Anchor, Sight
from .batch import draw, rare_first
from .course import Course, Turn
from .floor import Floor
from .gate import FLOOR, TEACHER, Verdict, crops_in_turn, floor_trial, judge_floor, judge_learner, learner_trial
from .journal import Journal
from .memory import Memory
from .pictures import Normalise, as_image
from .quality import fault
from .saved import digest, restore, saved
from .serving import Serving
from .settings import AdaptationError, AdapterSettings
from .source import Calibration, Fitted, Normal, Source
from .status import AdaptationStatus
from .training import Learner
from .trial import SHRINK, Masks, Trial
from .watch import Watch

SECOND = 1_000_000_000
FIRST = 3  # pictures of a new domain that its statistics start from
AGAIN_S = 30.0  # a second revert within it leads to the frozen weights


class Adapter:
    """observe(frame) after each frame served, update() while `busy`. Both may return weights, which count up from version 1.

    What is served is `serving`; `before` is what a rollback brings back; `parked` waits while the source is back.
    """

    def __init__(self, bundle: Bundle, settings: AdapterSettings = AdapterSettings(), *, seed: int = 0, device: str = 'cpu',
                 size: tuple[int, int] | None = None) -> None:
        """size: (height, width) of the network's input as the engine's, instead of the bundle's.

        Raises AdaptationError where the bundle lacks the labelled source, and EngineError for a device that is not there.
        """
        self.settings, self._seed, self._labels = settings, seed, bundle.labels
        self._preprocess = bundle.preprocess
        if size is not None:
            self._preprocess = replace(bundle.preprocess, height=size[0], width=size[1], keep_aspect=False)
        self._device = choose_device(device)
        self.source = Source(bundle)
        self.anchor = Anchor(bundle, self._device)
        self._normalise = Normalise(bundle.preprocess, self._device)
        self._masks = Masks(copy.deepcopy(self.anchor.network), self._normalise, self._device)
        self._chances = rare_first(self.source.replay.class_pixels)
        self._class_weights = self.source.class_weights()
        self._size: tuple[int, int] | None = None
        self._normal: Normal | None = None
        self._calibration: Calibration | None = None
        self._version = 0
        self._begin()

    def _begin(self) -> None:
        """Everything that a reset forgets."""
        settings = self.settings
        self.memory, self.journal, self.course = Memory(settings.memory), Journal(), Course(settings.detector)
        self.floor = Floor(copy.deepcopy(self.anchor.network), settings.floor.rate)
        self.learner = Learner(self.anchor, self._normalise, self._class_weights, settings.training)
        self.watch = Watch(settings.watch)
        self.serving = self.before = self.parked = Serving()
        self.trial: Trial | None = None
        self._sight: Sight | None = None
        self._picture: np.ndarray | None = None
        self._compare = False
        self._fault, self._loss, self._scale = '', float('nan'), 0
        self._calls = self._trials = self._pairs = self._steps_tried = self._rejected = self._flat = 0
        self._times: dict[str, int] = {}
        if self._normal is not None:
            self.course.enter('idle')
        self.journal.why = 'nothing seen yet'

    # --- a frame ---

    def observe(self, frame: Frame) -> Weights | None:
        """A frame that was just segmented. Returns weights that are to be served at once, or None.

        Frame.stamp_ns is the clock; a frame that is not newer than the one before is passed over.
        """
        if not self._new(frame) or not self._due('look', self.settings.detector.look_s):
            return None
        if self._size is None:
            self._start(frame.image)
        picture = cv2.resize(frame.image, self._size[::-1], interpolation=cv2.INTER_LINEAR)
        reason, self._picture = fault(picture, self._picture), picture
        if reason:
            if reason.split('(')[0] != self._fault:
                self.journal.tell('fault', f'not learned from: {reason}')
            self._fault = reason.split('(')[0]
            return self._expire()
        self._fault = ''
        self._sight = self.anchor.look(picture)
        key_frame = self.memory.offer(self._sight)
        if self._normal is None:
            return None
        self._compare = not self.serving.is_frozen
        score = self._normal.score(self._sight.all_signals(self._normal.moments))
        turn = self.course.see(score, frame.stamp_ns)
        if turn:
            return getattr(self, f'_{turn.kind}')(turn)
        if self.course.state == 'safe' and self._due('safe', self.settings.gate.safe_s):
            self._settled(Turn('settled', 'the lock is over'))
        return self._see_served(picture) or self._follow(key_frame) or self._expire()

    def _new(self, frame: Frame) -> bool:
        """Whether the stamp advanced. A clock that jumped back by more than a second starts all intervals anew."""
        now, last = frame.stamp_ns, self.journal.now_ns
        if self._times and last - SECOND <= now <= last:
            return False
        if now < last:
            self._times = {name: now for name in self._times if name != 'look'}
        self.journal.now_ns = now
        return True

    def _due(self, name: str, seconds: float) -> bool:
        """Whether so long has passed since the last time this was so; the first time it is."""
        due = name not in self._times or self.journal.now_ns - self._times[name] >= seconds * SECOND
        if due:
            self._times[name] = self.journal.now_ns
        return due

    def _start(self, image: np.ndarray) -> None:
        """The first frame tells the size that everything runs at."""
        self._start_at(self._preprocess.network_size(*image.shape[:2], self.anchor.network.multiple))

    def _start_at(self, size: tuple[int, int]) -> None:
        self._size = size
        self._gate, self._replay = (Fitted(crops, self._size) for crops in (self.source.gate, self.source.replay))
        if self._size == self.source.size:
            self._normal = self.source.normal()
            self.course.enter('idle')
        else:
            self._calibration = Calibration(self.source, self.anchor, self._size)
            self.journal.why = 'measuring what is normal on the source at {1}x{0} pixels'.format(*self._size)

    def _see_served(self, picture: np.ndarray) -> Weights | None:
        """Hard triggers: what the learned weights say of the picture at hand, beside the frozen ones."""
        if not self.serving.scale:
            return None
        frozen = self.anchor.tensors
        masks = [self._masks(each.tensors(frozen), picture) for each in (self.serving, replace(self.serving, scale=0.0))]
        reason = self.watch.look(*masks, self.anchor.num_classes)
        return self._revert(reason) if reason else None

    def _follow(self, key_frame: bool) -> Weights | None:
        """The statistics follow the target's key-frames."""
        if not key_frame or self.course.state not in ('adapt', 'hold') or not self.floor.layers:
            return None
        self._measure(self._sight.picture)
        if not self.serving.share or not self._due('renew', self.settings.floor.renew_s):
            return None
        self.serving = replace(self.serving, buffers=self.floor.buffers(self.serving.share))
        return self._give()

    def _measure(self, picture: np.ndarray) -> None:
        share = self.serving.share or self.settings.floor.reference
        self.floor.measure(self._normalise(as_image(picture, self._device)), share)

    def _expire(self) -> Weights | None:
        """What no trial confirmed for long goes back to the frozen weights, by halves."""
        if self.serving.is_frozen or self._since('valid') < self.settings.gate.valid_s or not self._due('expire', 60.0):
            return None
        self.journal.tell('return', f'no passed trial for {self._since("valid"):.0f} s: half of the way back to the frozen weights')
        share, scale = (value / 2 if value > 0.1 else 0.0 for value in (self.serving.share, self.serving.scale))
        return self._serve(replace(self.serving, share=share, scale=scale, buffers=self.floor.buffers(share)))

    def _since(self, name: str) -> float:
        """Seconds."""
        return (self.journal.now_ns - self._times.get(name, self.journal.now_ns)) / SECOND

    # --- turns of the course ---

    def _shift(self, turn: Turn) -> None:
        self.journal.tell('shift', turn.text)
        self.course.enter('adapt')
        self.trial = None
        if self.serving.is_frozen:
            self.memory.shift(FIRST)
            self.floor.restart()
            for picture in self.memory.recent:
                self._measure(picture)
        self._times.pop('floor', None)
        self._flat = self._rejected = self._scale = 0
        self._steps_tried = self.learner.step
        if self.settings.training.on:
            self.learner.begin(self.course.shift)

    def _return(self, turn: Turn) -> Weights | None:
        """The frozen network is served, exactly; what was served waits."""
        self.journal.tell('return', f'the source is back: {turn.text}')
        self.course.enter('return')
        self.trial, self.parked = None, self.serving
        self.learner.back()
        return None if self.serving.is_frozen else self._serve(Serving())

    def _resume(self, turn: Turn) -> Weights | None:
        self.journal.tell('shift', f'the shift is back: {turn.text}')
        self.course.enter('adapt')
        if self.settings.training.on:
            self.learner.begin(self.course.shift)
        self._times['valid'] = self.journal.now_ns
        return None if self.parked.is_frozen else self._serve(self.parked)

    def _settled(self, turn: Turn) -> None:
        self.course.enter('idle')
        self.memory.clear()
        self.learner.restart({})
        self.before = self.parked = Serving()
        self.journal.why = f'normal again: {turn.text}'

    # --- pieces of work ---

    @property
    def busy(self) -> bool:
        """Whether update() has something to do before the next frame."""
        return bool(self._calibration or self.trial or self._compare or self._floor_due() or self._gate_due() or self._may_train())

    def update(self) -> Weights | None:
        """One short piece: a crop of calibration or of a trial, a comparison of the watch, or one training step."""
        self._calls += 1
        if self._calibration:
            return self._calibrate()
        if self._compare:
            return self._compared()
        if self.trial is None:
            self.trial = self._next_trial()
        if self.trial is not None:
            self.trial.piece(self._masks, self._gate, self.anchor.num_classes)
            return self._conclude() if self.trial.done else None
        return self._train() if self._may_train() else None

    def _calibrate(self) -> None:
        self._normal = self._calibration.piece()
        if self._normal is not None:
            self._calibration = None
            self.course.enter('idle')

    def _compared(self) -> Weights | None:
        """A labelled crop in the present style, served against frozen."""
        self._compare = False
        self._pairs += 1
        image, label = self._gate[self._pairs % len(self._gate)]
        served, frozen = (self._masks(tensors, image, self._sight.picture)
                          for tensors in (self.serving.tensors(self.anchor.tensors), self.anchor.tensors))
        reason = self.watch.compare(label[SHRINK // 2::SHRINK, SHRINK // 2::SHRINK], served, frozen, self.anchor.num_classes)
        return self._revert(reason) if reason else None

    def _floor_due(self) -> bool:
        last = self._times.get('floor')
        waited = last is None or self.journal.now_ns - last >= self.settings.floor.refresh_s * SECOND
        return (self.course.state in ('adapt', 'hold') and waited and self.floor.num_seen >= FIRST
                and bool(self.settings.floor.shares))

    def _gate_due(self) -> bool:
        tried = self.learner.step - self._steps_tried
        return self.course.state == 'adapt' and bool(self.memory.held_out) and (
            tried >= self.settings.gate.every or self._scale > 0 or (not self.learner.left and tried > 0))

    def _may_train(self) -> bool:
        if not self.settings.training.on or self._size is None or self.learner.left <= 0:
            return False
        return self.course.state == 'return' or (
            self.course.state == 'adapt' and len(self.memory.train) >= self.settings.training.first_key_frames)

    def _next_trial(self) -> Trial | None:
        floor = self._floor_due()
        if not floor and not self._gate_due():
            return None
        self._trials += 1
        settings, frozen, styles = self.settings, self.anchor.tensors, self.memory.recent
        if floor:
            self._times['floor'] = self.journal.now_ns
            shares = (0.0, *settings.floor.shares)
            return floor_trial(self.serving, settings.floor.shares, {share: self.floor.buffers(share) for share in shares}, frozen,
                               self._turn(settings.floor.crops), styles)
        self._steps_tried = self.learner.step
        target = [frame.picture for frame in self.memory.held_out[-settings.gate.target:]]
        return learner_trial(self.serving, self.learner.parameters(), settings.gate.scales[self._scale], frozen,
                             self._turn(settings.gate.crops), styles, target, self.course.shift)

    def _turn(self, count: int) -> list[int]:
        return crops_in_turn(len(self._gate), count, self._trials, np.random.default_rng((self._seed, 1, self._trials)))

    def _train(self) -> None:
        returning = self.course.state == 'return'
        with torch.random.fork_rng(devices=[self._device] if self._device.type == 'cuda' else []):
            torch.manual_seed(self._seed * 1_000_003 + self._calls)
            rng = np.random.default_rng((self._seed, 2, self._calls))
            batch = draw(self._replay, self._chances, self.memory.train, self.memory.recent, self._size,
                         self.settings.training.crop, rng, self._device)
            mixed = self.serving.buffers if self.serving.share else self.floor.buffers(0.0)
            self._loss = self.learner.train(batch, self.floor.buffers(0.0), mixed, returning=returning)
        if not np.isfinite(self._loss):
            self.journal.tell('fault', 'the loss of a training step is not finite: the student starts anew from what is served')
            self.learner.restart(self.serving.teacher)
        elif not self.learner.left and self.course.state == 'adapt' and not self.memory.held_out:
            self._hold('the steps for this shift are done')

    # --- decisions ---

    def _conclude(self) -> Weights | None:
        trial, self.trial = self.trial, None
        if trial.kind == FLOOR:
            verdict = judge_floor(trial, self.settings.floor)
            self._confirm(verdict)
            if verdict.share is None:
                self.journal.why = verdict.text
                return None
            self.journal.tell('promotion', verdict.text)
            return self._serve(replace(self.serving, share=verdict.share, buffers=self.floor.buffers(verdict.share)))
        verdict = judge_learner(trial, self.settings.gate, self.settings.training.radius, self._labels.names)
        return self._judged(verdict, trial.cases[TEACHER])

    def _confirm(self, verdict: Verdict) -> None:
        if verdict.valid:
            self._times['valid'] = self.journal.now_ns

    def _judged(self, verdict: Verdict, teacher: Mapping[str, torch.Tensor]) -> Weights | None:
        """Of the learner: served, tried again nearer to the frozen weights, or refused."""
        settings = self.settings.gate
        self._confirm(verdict)
        flat = verdict.gain < settings.plateau
        if verdict.scale is not None:
            self.journal.tell('promotion', verdict.text)
            self._rejected = self._scale = 0
            self._flat = self._flat + 1 if flat else 0
            given = self._serve(replace(self.serving, scale=verdict.scale, teacher=teacher))
            self._end_of_training()
            return given
        if verdict.objections == ('pointless',):
            self.journal.why, self._scale = verdict.text, 0
            self._flat += 1
            self._end_of_training()
            return None
        if self._scale + 1 < len(settings.scales):
            self._scale += 1
            return None
        self.journal.tell('rejection', verdict.text)
        self._scale, self._rejected = 0, self._rejected + 1
        if self._rejected >= settings.rejections:
            return self._start_over()
        self._end_of_training()
        return None

    def _end_of_training(self) -> None:
        if self._flat >= 2:
            self._hold(f'two trials in a row gained less than {self.settings.gate.plateau} points')
        elif not self.learner.left:
            self._hold('the steps for this shift are done')

    def _hold(self, reason: str) -> None:
        self.course.enter('hold')
        self.journal.why = f'no training: {reason}; last: {self.journal.why}'

    def _start_over(self) -> Weights | None:
        """Too many refusals: the student goes back to what is served and learns half as fast."""
        self._rejected = 0
        self.learner.restart(self.serving.teacher)
        self.learner.rate /= 2
        self.learner.begin(self.course.shift)
        return self._count_rollback(f'{self.settings.gate.rejections} refusals in a row: the student starts anew, half as fast')

    def _revert(self, reason: str) -> Weights:
        again = self.journal.recent('rollback', AGAIN_S)
        older = Serving() if again or self.before.is_frozen else self.before
        self.before, self.trial = Serving(), None
        self._times['floor'] = self.journal.now_ns
        self.learner.restart(older.teacher if older.scale else {})
        self.learner.begin(self.course.shift)
        self.serving = older
        self.watch.restart()
        locked = self._count_rollback(f'back to {"the frozen weights" if older.is_frozen else "the weights before"}: {reason}')
        return locked or self._give()

    def _count_rollback(self, text: str) -> Weights | None:
        """Three in ten minutes lock adaptation."""
        settings = self.settings.gate
        self.journal.tell('rollback', text)
        if self.journal.recent('rollback', settings.window_s) < settings.rollbacks:
            return None
        self.journal.tell('safe', f'{settings.rollbacks} rollbacks in {settings.window_s:.0f} s lock adaptation for '
                          f'{settings.safe_s:.0f} s; the last: {text}')
        self.course.enter('safe')
        self._times['safe'] = self.journal.now_ns
        self.serving = self.before = self.parked = Serving()
        return self._give()

    def _serve(self, serving: Serving) -> Weights:
        """From now on something else is served."""
        self.before, self.serving = self.serving, Serving() if serving.is_frozen else serving
        self.watch.restart()
        return self._give()

    def _give(self) -> Weights:
        tensors = self.serving.tensors(self.anchor.tensors)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            self.journal.tell('fault', 'the weights to serve are not finite: back to the frozen ones')
            self.serving, tensors = Serving(), dict(self.anchor.tensors)
            self.floor.restart()
        self._version += 1
        return Weights(self._version, tensors)

    def rollback(self) -> Weights:
        """The weights before, the frozen ones where there are none."""
        return self._revert('asked for')

    def reset(self) -> Weights:
        """The frozen weights; student, memory, detector and events are forgotten."""
        self._begin()
        self.journal.why = 'reset'
        return self._give()

    # --- what is told and kept ---

    @property
    def status(self) -> AdaptationStatus:
        counts, serving = self.journal.counts, self.serving
        share = max(serving.scale, serving.share)
        return AdaptationStatus(
            self.course.state, self._why(), self._version, share, self.learner.step, self._loss, self.course.shift,
            len(self.memory.train) + len(self.memory.held_out), counts['promotion'], counts['rejection'], counts['rollback'],
            tuple(self.journal.events))

    def _why(self) -> str:
        if self.course.state == 'idle':
            return (f'not adapting: shift score {self.course.shift:.1f} (normal is below {self.settings.detector.normal:g}) and '
                    f'no test fired; {self.journal.why}')
        return self.journal.why

    def state_dict(self) -> dict:
        """Tensors and plain values. A copy that is loaded goes on as this one would."""
        return {'anchor': digest(self.anchor.tensors), **saved(self)}

    def load_state_dict(self, state: Mapping) -> None:
        """Raises AdaptationError if it was saved beside other frozen weights."""
        if state.get('anchor') != digest(self.anchor.tensors):
            raise AdaptationError('the saved adaptation belongs to other weights than the bundle\'s; start without it')
        restore(self, state)


"""A small adapter whose every version shows in the masks, and that fails as it is told to.

Version v answers with the frozen network's class plus v, modulo the number of classes: what a mask was made with can be
read off it. It gives weights out after every piece of work, one piece a frame.
"""

from __future__ import annotations

import ctypes
import time

import numpy as np
import torch

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.online.status import AdaptationStatus, Event
from uda_seg_ros.structures import Frame, Weights

METHOD = 'tests.online.workers.standin:Standin'
HEAD = ('classifier.3.weight', 'classifier.3.bias')


class Standin:
    """settings: faults (names that `_fail` knows, 'building' or 'building for ever', one a life), after (so many pieces of
    good work), lives (a file to count lives in; without it each life is the first), beat_s (how long a piece takes), work_s
    (how much of a processor's time)."""

    def __init__(self, bundle: Bundle, settings, *, seed: int, device: str, size) -> None:
        self._tensors = {name: tensor.to(device) for name, tensor in bundle.tensors.items()}
        self._settings = {'faults': (), 'after': 0, 'lives': '', 'beat_s': 0.0, 'work_s': 0.0, **settings}
        self._fault = self._of_this_life()
        self._step = self._version = self._turn = self._pending = self._rollbacks = 0
        self._events: list[Event] = []
        if self._fault == 'building':
            raise OSError('no such device')
        while self._fault == 'building for ever':
            torch.ones(300, 300) @ torch.ones(300, 300)

    def observe(self, frame: Frame) -> None:
        self._pending += 1
        self._stamp_ns = frame.stamp_ns

    @property
    def busy(self) -> bool:
        return self._pending > 0

    def update(self) -> Weights:
        self._pending = 0
        time.sleep(self._settings['beat_s'])
        until_s = time.process_time() + self._settings['work_s']
        while time.process_time() < until_s:
            pass
        self._step += 1
        if self._step > self._settings['after'] and self._fault:
            return self._fail(self._fault)
        self._turn += 1
        self._events.append(Event('promotion', self._stamp_ns, f'promotion in step {self._step}'))
        return self._given()

    def _of_this_life(self) -> str:
        life = 0
        if self._settings['lives']:
            with open(self._settings['lives'], 'a+b') as file:
                life = file.tell()
                file.write(b'.')
        return (*self._settings['faults'], *[''] * (life + 1))[life]

    def _fail(self, fault: str) -> Weights:
        bias = self._tensors[HEAD[1]]
        if fault == 'exception':
            raise ZeroDivisionError('planted')
        if fault == 'memory':
            raise MemoryError('planted')
        if fault == 'segfault':
            ctypes.string_at(0)
        if fault == 'hang':
            time.sleep(1000)
        while fault == 'loop':
            pass
        if fault == 'revert':  # of its own accord, once
            self._fault = ''
            return self.rollback()
        if fault == 'nan':
            return Weights(1, {**self._tensors, HEAD[1]: bias * float('nan')})
        assert fault == 'collapse'
        return Weights(1, {**self._tensors, HEAD[1]: bias + 1e6 * (torch.arange(len(bias)) == 3)})

    def _given(self) -> Weights:
        self._version += 1
        turned = {name: self._tensors[name].roll(self._turn, 0) for name in HEAD}
        return Weights(self._version, {**self._tensors, **turned})

    def rollback(self) -> Weights:
        self._turn -= 1
        self._rollbacks += 1
        self._events.append(Event('rollback', 0, 'rolled back on request'))
        return self._given()

    def reset(self) -> Weights:
        self._turn = self._step = 0
        return self._given()

    @property
    def status(self) -> AdaptationStatus:
        return AdaptationStatus('adapt', f'step {self._step} is done', self._version, step=self._step,
                                rollbacks=self._rollbacks, learned=self._turn != 0, events=tuple(self._events[-8:]))

    def state_dict(self) -> dict:
        return {'turn': self._turn, 'step': self._step, 'probe': torch.arange(3)}

    def load_state_dict(self, state: dict) -> None:
        assert state['probe'].tolist() == [0, 1, 2]
        self._turn, self._step = state['turn'], state['step']


def turn_of(frozen: np.ndarray, mask: np.ndarray) -> int:
    """How far the classes of a mask are turned against the frozen network's; fails if not all pixels are turned alike."""
    turns = set(((mask.astype(int) - frozen) % 19).reshape(-1).tolist())
    assert len(turns) == 1, f'a mask of more than one version: {turns}'
    return turns.pop()

"""The weights that are given out: which are served, which a rollback brings back, which wait while the source is there."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..structures import Weights
from .clock import Clock
from .floor import Floor
from .journal import Journal
from .serving import Serving, Tensors
from .settings import GateSettings

AGAIN_S = 30.0  # a second revert within it leads to the frozen weights
HALVE_S = 60.0  # between halvings on an unconfirmed adaptation's way back


class Served:
    """now: what is served. before: what a rollback brings back. parked: waits for a return of the shift.

    version: of the weights given out last; every set of weights gets the next one. frozen: the anchor's tensors.
    """

    def __init__(self, frozen: Tensors, settings: GateSettings, clock: Clock, journal: Journal, version: int = 0) -> None:
        self._frozen, self._settings, self._clock, self._journal = frozen, settings, clock, journal
        self.version = version
        self.now = self.before = self.parked = Serving()
        self._reverts: list[int] = []

    def give(self) -> Weights:
        """What is served now, as the next version. Never anything that is not finite."""
        tensors = self.now.tensors(self._frozen)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            self._journal.tell('fault', 'the weights to serve are not finite: back to the frozen ones')
            self.now, tensors = Serving(), dict(self._frozen)
        self.version += 1
        return Weights(self.version, tensors)

    def change(self, serving: Serving) -> Weights:
        """Something else is served from now on."""
        self.before, self.now = self.now, Serving() if serving.is_frozen else serving
        return self.give()

    def retreat(self, serving: Serving) -> Weights:
        """Something else, because there was too much of it: that is nothing to go back to."""
        self.now, self.before = Serving() if serving.is_frozen else serving, Serving()
        return self.give()

    def renew(self, serving: Serving) -> Weights:
        """The same decision with newer statistics, for the shift as it is now; a rollback does not lead here."""
        self.now = serving
        return self.give()

    def park(self) -> Weights | None:
        """Serve the frozen network, exactly, for as long as the source is there."""
        self.parked = self.now
        return None if self.now.is_frozen else self.change(Serving())

    def unpark(self) -> Weights | None:
        return None if self.parked.is_frozen else self.change(self.parked)

    def forget(self) -> None:
        """There is nothing to go back to."""
        self.before = self.parked = Serving()

    @property
    def learned(self) -> bool:
        """Whether there is anything else than the frozen weights, served or waiting."""
        return not all(each.is_frozen for each in (self.now, self.before, self.parked))

    def back(self, reason: str, to: Serving | None = None, asked: bool = False) -> Weights:
        """To the weights before or those given, or to the frozen ones where there are none or it happens again soon.

        asked: by somebody, so that it says nothing against adaptation.
        """
        again = not asked and self._reverted(AGAIN_S)
        self.now, self.before = Serving() if again else to or self.before, Serving()
        if not asked:
            self._reverts = [*self._reverts, self._clock.now_ns][-self._settings.rollbacks:]
        name = 'the frozen weights' if self.now.is_frozen else 'the weights before' if to is None else 'its statistics alone'
        self._journal.tell('rollback', f'back to {name}: {reason}')
        return self.give()

    def locked(self) -> bool:
        """Whether rollbacks are so many that nothing may be adapted for a while; the frozen weights are to be given then."""
        settings = self._settings
        if self._reverted(settings.window_s) < settings.rollbacks:
            return False
        self._journal.tell('safe', f'{settings.rollbacks} rollbacks in {settings.window_s:.0f} s lock adaptation for '
                           f'{settings.safe_s:.0f} s; the last: {self._journal.why}')
        self._clock.begin('safe')
        self.now = Serving()
        self.forget()
        return True

    def _reverted(self, seconds: float) -> int:
        """How often within the last seconds something was taken back that nobody had asked to."""
        return sum(self._clock.now_ns - then_ns <= seconds * 1e9 for then_ns in self._reverts)

    def expire(self, floor: Floor) -> Weights | None:
        """What no trial confirmed for long goes back to the frozen weights, by halves."""
        waited = self._clock.since('valid')
        if self.now.is_frozen or waited < self._settings.valid_s or not self._clock.due('expire', HALVE_S):
            return None
        self._journal.tell('return', f'no passed trial for {waited:.0f} s: half of the way back to the frozen weights')
        share, scale = (value / 2 if value > 0.1 else 0.0 for value in (self.now.share, self.now.scale))
        return self.retreat(replace(self.now, share=share, scale=scale, passed=scale, buffers=floor.buffers(share)))

    def state_dict(self) -> dict:
        return {'version': self.version, 'reverts': list(self._reverts),
                **{name: getattr(self, name).state_dict() for name in ('now', 'before', 'parked')}}

    def load_state_dict(self, state: dict) -> None:
        self.version, self._reverts = state['version'], list(state['reverts'])
        self.now, self.before, self.parked = (Serving.of(state[name], self._frozen) for name in ('now', 'before', 'parked'))

"""Has the domain changed? Two sequential tests on samples u that are uniform on the source."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .settings import DetectorSettings


@dataclass
class Martingale:
    """A betting martingale against 'u is uniform': above a limit L it lies with probability 1 / L at most (Ville, 1939).

    The stake follows an online gradient step that needs no scale (Orabona and Pal, 2018): it starts at 0 and stays in [0,
    1.8], so only large u pay.
    """

    capital: float = 1.0
    stake: float = 0.0
    squares: float = 0.0

    def add(self, u: float) -> float:
        """The capital after the sample."""
        value = u - 0.5
        factor = 1 + self.stake * value
        self.capital = min(self.capital * factor, 1e12)
        gradient = value / factor
        self.squares += gradient ** 2
        if self.squares:
            self.stake = min(max(self.stake + 2 / math.sqrt(3) * gradient / math.sqrt(self.squares), 0.0), 1.8)
        return self.capital


@dataclass
class Cusum:
    """Cumulative sum for abrupt change: uniform samples pull it to 0, samples near 1 lift it by up to 2.6 each."""

    total: float = 0.0

    def add(self, u: float) -> float:
        self.total = max(0.0, self.total - math.log(1.01 - min(u, 1.0)) - 2)
        return self.total


class Detector:
    """Both tests in OR on thinned samples. They start anew after each detection."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self.rearm()

    def rearm(self) -> None:
        self.martingale, self.cusum, self.samples = Martingale(), Cusum(), 0
        self._last_ns: int | None = None

    def add(self, u: float, now_ns: int) -> str | None:
        """What was found, in words. Samples that come sooner than thin_s after another are not counted."""
        if self._last_ns is not None and now_ns - self._last_ns < self._settings.thin_s * 1e9:
            return None
        self._last_ns = now_ns
        self.samples += 1
        capital, total = self.martingale.add(u), self.cusum.add(u)
        if total > self._settings.cusum:
            return f'abrupt change (cumulative sum {total:.1f} above {self._settings.cusum:g} after {self.samples} samples)'
        if capital > self._settings.fire:
            return f'lasting change (martingale {capital:.0f} above {self._settings.fire:g} after {self.samples} samples)'
        return None

    def state_dict(self) -> dict:
        return {'martingale': vars(self.martingale).copy(), 'cusum': self.cusum.total, 'samples': self.samples,
                'last_ns': self._last_ns}

    def load_state_dict(self, state: dict) -> None:
        self.martingale, self.cusum = Martingale(**state['martingale']), Cusum(state['cusum'])
        self.samples, self._last_ns = state['samples'], state['last_ns']

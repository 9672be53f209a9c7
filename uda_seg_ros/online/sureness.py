"""Do the target's statistics make the network surer of what it sees?

The sign: how much the doubt of the frozen weights falls, on the same pictures, when a share of the target's statistics is
mixed in. Labelled crops in the target's colours are blind to a real dusk; this is not. Doubt is the entropy of the pixels as
a part of that of the whole picture (shift_signals.doubt): by the pixels alone, a network that sees nothing but road in dense
fog, and is sure of it, would be best. Where it tells little: "Known limits" in docs/adaptation.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .settings import FloorSettings


class Sureness:
    """The doubt over the last looks with the source's statistics, share 0, and with each share of the target's."""

    def __init__(self, settings: FloorSettings) -> None:
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        """Other statistics, or another domain."""
        self._doubts: dict[float, list[float]] = {}
        self._served, self._steady = 0.0, 0

    def add(self, doubt: float, by_share: Mapping[float, float], served: float) -> None:
        """A look: doubt with the source's statistics, and with each share of the target's. served: the share that is."""
        self._served, self._steady = served, self._steady + 1 if served == self._served else 1
        for share, value in {0.0: doubt, **by_share}.items():
            self._doubts[share] = [*self._doubts.get(share, ()), value][-self._settings.looks:]

    def fall(self, share: float) -> float:
        """Of the doubt over the last looks, as a part of what it is with the source's statistics."""
        found = self._doubts.get(share, ())
        return 1 - sum(found) / max(sum(self._doubts[0.0][-len(found):]), 1e-6) if found else 0.0

    def wanted(self, present: float, possible: Sequence[float]) -> float:
        """The share to serve, after `present`. Where that is not known yet: the present one, or the most that is possible.

        More must make the network surer by more, and what is served is given up later than it was taken. One step at a
        time, and the next after some looks: a road that changes every few seconds is never far from what is served.
        """
        if len(self._doubts.get(0.0, ())) < self._settings.fewest:
            return min(present, max(possible, default=0.0))
        chosen = 0.0
        for share in sorted(possible):
            least, more = ((self._settings.kept_fall, self._settings.more_fall / 2) if share <= present else
                           (self._settings.least_fall, self._settings.more_fall))
            if self.fall(share) >= max(least, self.fall(chosen) + more if chosen else least):
                chosen = share
        if chosen <= present:
            return chosen
        hasty = present and (self._served != present or self._steady < self._settings.steady)
        return present if hasty else min(share for share in possible if share > present)

    def state_dict(self) -> dict:
        return {'doubts': {share: list(values) for share, values in self._doubts.items()}, 'served': self._served,
                'steady': self._steady}

    def load_state_dict(self, state: dict) -> None:
        self._doubts = {share: list(values) for share, values in state['doubts'].items()}
        self._served, self._steady = state['served'], state['steady']

"""After a promotion: are the learned weights worse than the frozen ones after all?

The spec's statistic, consistency of a network with itself, was measured to be no guide: under low sun the frozen network is
the more consistent one and half as right. Here both, with the same statistics, are asked the labels of a source crop in the
colours of the present picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from .settings import WatchSettings


@dataclass
class Watch:
    """common: classes whose loss counts; a frozen network that sees much of a rare class where the domain shifted is mostly
    wrong. wealth: of a bettor against 'served is at most `tolerance` worse'. Until it first falls to 1 / L, chance takes it
    above a limit L in 1 of L cases at most (Ville), and each time that it leaves this floor, in 1 of L * L: no bound holds
    for all time (figures: docs/adaptation.md).
    """

    settings: WatchSettings
    common: frozenset[int]
    wealth: float = 1.0
    pairs: int = 0
    lost: dict[int, int] = field(default_factory=dict)

    def restart(self) -> None:
        """Something else is served from now on."""
        self.wealth, self.pairs, self.lost = 1.0, 0, {}

    def compare(self, label: np.ndarray, served: np.ndarray, frozen: np.ndarray, num_classes: int) -> str | None:
        """label, served, frozen: hxw train ids of one crop. Returns why to revert, in words."""
        valid = label < num_classes
        if not valid.any():
            return None
        excess = float((frozen[valid] == label[valid]).mean() - (served[valid] == label[valid]).mean())
        scaled = min(max(excess / 0.1, -1.0), 1.0)
        # Not below 1 / limit: what was good for an hour must not take an hour to be seen turning bad.
        self.wealth = max(self.wealth, 1 / self.settings.limit) * (1 + 0.5 * (scaled - self.settings.tolerance / 0.1))
        self.pairs += 1
        if self.wealth > self.settings.limit:
            return ('on labelled crops in the present style they are worse than the frozen weights '
                    f'(wealth {self.wealth:.0f} above {self.settings.limit:g} after {self.pairs} crops)')
        return None

    def look(self, served: np.ndarray, reference: np.ndarray, num_classes: int) -> str | None:
        """Masks of the picture at hand; reference: of the frozen weights with the statistics that are served."""
        differ = float((served != reference).mean())
        if differ > 0.6:
            return f'{100 * differ:.0f} % of the pixels differ from the frozen weights'
        shares = [np.bincount(mask.ravel(), minlength=num_classes)[:num_classes] / mask.size for mask in (served, reference)]
        gone = self.common.intersection(np.flatnonzero((shares[1] > 0.02) & (shares[0] < 0.002)).tolist())
        self.lost = {train_id: self.lost.get(train_id, 0) + 1 for train_id in sorted(gone)}
        for train_id, looks in self.lost.items():
            if looks >= self.settings.lost_looks:
                return f'class {train_id} is gone for {looks} looks, of {100 * shares[1][train_id]:.0f} % of the pixels'
        return None

    def state_dict(self) -> dict:
        return {'wealth': self.wealth, 'pairs': self.pairs, 'lost': dict(self.lost)}

    def load_state_dict(self, state: dict) -> None:
        self.wealth, self.pairs, self.lost = state['wealth'], state['pairs'], dict(state['lost'])


def common(class_pixels: torch.Tensor) -> frozenset[int]:
    """The classes with at least 1 % of the pixels of labelled crops. class_pixels: crops x classes."""
    pixels = class_pixels.double().sum(0)
    return frozenset(torch.nonzero(pixels >= 0.01 * pixels.sum()).flatten().tolist())

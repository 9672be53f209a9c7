"""Target key-frames: those to train on, those held out to judge with, and the last few pictures, which lend their style."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from .anchor import Sight
from .settings import FEWEST, MemorySettings
from .views import ViewLabel


@dataclass(frozen=True, eq=False)
class KeyFrame:
    """picture: HxWx3 uint8 RGB at the network's size. uncertainty: mean entropy in 0..1. born: number of the key-frame.
    seen: what the frozen network's views say of it; None: not asked yet.
    """

    picture: np.ndarray
    embedding: torch.Tensor
    shares: torch.Tensor
    uncertainty: float
    born: int
    seen: ViewLabel | None = None


class Memory:
    """train: reservoir, of which the oldest, least sure and most redundant goes first. held_out: never trained on."""

    def __init__(self, settings: MemorySettings) -> None:
        self._settings = settings
        self.clear()

    def clear(self) -> None:
        self.train: list[KeyFrame] = []
        self.held_out: list[KeyFrame] = []
        self.recent: list[np.ndarray] = []
        self._last: list[torch.Tensor] = []
        self.num_seen = 0

    def shift(self, keep: int) -> None:
        """The domain changed: only the last `keep` pictures show the new one."""
        recent, last = self.recent[-keep:], self._last
        self.clear()
        self.recent, self._last = recent, last

    def offer(self, sight: Sight) -> bool:
        """Take in a picture. Returns whether it is a key-frame: new in what it shows."""
        self.recent = [*self.recent, sight.picture][-self._settings.recent:]
        near = any(float(sight.embedding @ other) >= self._settings.cosine for other in self._last)
        if near and self._settings.key_frames:
            return False
        self._last = [*self._last, sight.embedding][-self._settings.against:]
        frame = KeyFrame(sight.picture, sight.embedding, sight.shares, sight.signals[0], self.num_seen)
        self.num_seen += 1
        every = self._settings.hold_every
        if self.num_seen % every == 2 % every:  # the second, not the first: there is something to train on
            self.held_out = [*self.held_out, frame][-self._settings.held_out:]
        else:
            self.train.append(frame)
            self._evict()
        return True

    def unlabelled(self, share: float, training: bool = True) -> KeyFrame | None:
        """The key-frame whose views are to be seen next, with that share of the target in the statistics; the newest first.

        Of those held out a few come before all others, as fewer tell nothing. training: False leaves the others out.
        """
        def old(frames: list[KeyFrame]) -> list[KeyFrame]:
            return [frame for frame in reversed(frames) if frame.seen is None or frame.seen.share != share]
        few = self.held_out[-FEWEST:]
        return next(iter((*old(few), *(old(self.train) if training else ()), *old(self.held_out))), None)

    def labelled(self, share: float) -> list[KeyFrame]:
        """To train on, as seen with that share; those seen with another one while there are none."""
        seen = [frame for frame in self.train if frame.seen is not None]
        return [frame for frame in seen if frame.seen.share == share] or seen

    def label(self, frame: KeyFrame, seen: ViewLabel) -> None:
        """Keep what the views say of a key-frame."""
        for kept in (self.train, self.held_out):
            kept[:] = [replace(each, seen=seen) if each is frame else each for each in kept]

    def _evict(self) -> None:
        while len(self.train) > self._settings.size:  # more than one where a file held more
            del self.train[self._dispensable()]

    def _dispensable(self) -> int:
        embeddings = torch.stack([frame.embedding for frame in self.train])
        redundancy = (embeddings @ embeddings.T).fill_diagonal_(-1).max(1).values
        rarity = torch.stack([frame.shares for frame in self.train])
        common = (rarity / rarity.sum(0).clamp(min=1e-6)).sum(1) * len(self.train)
        age = [(self.num_seen - frame.born) / self._settings.size for frame in self.train]
        scores = [old + frame.uncertainty + float(near) - 0.1 * math.log1p(own)
                  for old, frame, near, own in zip(age, self.train, redundancy, common.tolist())]
        return int(np.argmax(scores))

    def state_dict(self) -> dict:
        def plain(frame: KeyFrame) -> dict:
            return {**vars(frame), 'picture': torch.from_numpy(frame.picture),
                    'seen': frame.seen and frame.seen.state_dict()}
        return {'train': [plain(frame) for frame in self.train], 'held_out': [plain(frame) for frame in self.held_out],
                'recent': [torch.from_numpy(picture) for picture in self.recent], 'last': list(self._last),
                'num_seen': self.num_seen}

    def load_state_dict(self, state: dict) -> None:
        def frame(plain: dict) -> KeyFrame:
            return KeyFrame(**{**plain, 'picture': plain['picture'].numpy(),
                               'seen': plain['seen'] and ViewLabel.of(plain['seen'])})
        self.train, self.held_out = ([frame(plain) for plain in state[name]] for name in ('train', 'held_out'))
        self.recent = [picture.numpy() for picture in state['recent']]
        self._last, self.num_seen = list(state['last']), state['num_seen']

"""One playing of a drive as it is shown: its moments, scored where there are labels, and its masks in colour."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...labels import LabelSpace
from ...report.drive import Moment, caption
from ...report.scores import Scores
from ...report.segments import Segments
from ...runtime.render import colorize, overlay
from .playing import Playing

OVERLAY_ALPHA = 0.5


@dataclass
class View:
    """masks: the label space of the masks; labels: that of the labels. scores: of all frames scored so far."""

    playing: Playing
    segments: Segments
    masks: LabelSpace
    labels: LabelSpace
    moments: list[Moment] = field(init=False)
    scores: Scores = field(init=False)

    def __post_init__(self) -> None:
        self.moments, self.scores = self.playing.moments(self.segments), Scores(self.masks, self.labels)
        self._places = {frame.stamp_ns: place for place, frame in enumerate(self.playing.sent)}

    def at(self, stamp_ns: int) -> Moment | None:
        """The moment of a stamp, None if no such frame was played."""
        place = self._places.get(stamp_ns)
        return None if place is None else self.moments[place]

    def mask(self, stamp_ns: int) -> np.ndarray | None:
        """HxW uint8 train ids, None if no mask came."""
        return self.playing.collector.mask(stamp_ns)

    def score(self, stamp_ns: int, label: np.ndarray) -> None:
        """Count a label, HxW uint8 train ids, if a mask of its stamp came."""
        mask = self.mask(stamp_ns) if stamp_ns in self._places else None
        if mask is not None:
            miou = self.scores.add(self.at(stamp_ns).segment, label, mask)
            self._set(stamp_ns, miou=None if np.isnan(miou) else miou)

    def agree(self, stamp_ns: int, other: np.ndarray | None) -> None:
        """Note how many pixels the mask of this stamp has in common with another."""
        mask = self.mask(stamp_ns)
        if mask is not None and other is not None and mask.shape == other.shape:
            self._set(stamp_ns, agreement=100 * float((mask == other).mean()))

    def _set(self, stamp_ns: int, **values: float | None) -> None:
        place = self._places[stamp_ns]
        self.moments[place] = replace(self.moments[place], **values)

    def pictures(self, stamp_ns: int, picture: np.ndarray) -> dict[str, np.ndarray]:
        """Mask and overlay in colour, HxWx3 uint8 RGB; nothing if no mask came."""
        mask = self.mask(stamp_ns)
        if mask is None:
            return {}
        color = colorize(mask, self.masks.palette())
        return {'mask': color, 'overlay': overlay(picture, color, OVERLAY_ALPHA)}

    def caption(self, stamp_ns: int, name: str = '') -> str:
        """What stands below the picture. name: of this playing, where there are two."""
        moment = self.at(stamp_ns)
        version = self.playing.version(stamp_ns)
        parts = [name, f'weights {version}' if version else '', caption(moment) if moment else 'not played']
        return '   '.join(filter(None, parts))

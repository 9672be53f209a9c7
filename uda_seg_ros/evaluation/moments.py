"""The worst and the best moments of a drive: a few are kept while it runs, as small pictures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from ..labels import LabelSpace
from ..metrics import mean_iou
from ..runtime.render import colorize, overlay
from .line import Seen

KEPT, APART_S, WIDTH = 3, 3.0, 480
Score = Callable[[Seen], float | None]


@dataclass(frozen=True)
class Moment:
    """value: that it was chosen by. pictures: JPEG files as base64 text, by name."""

    time_s: float
    bag: int
    bag_time_s: float
    value: float
    pictures: dict[str, str] = field(repr=False)


class Gallery:
    """The KEPT greatest values, at least APART_S from each other. title, note: what they are, with a place for the value."""

    def __init__(self, title: str, note: str, score: Score) -> None:
        self.title, self.note, self._score = title, note, score
        self._found: list[Moment] = []

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The greatest value first."""
        return tuple(sorted(self._found, key=lambda moment: -moment.value))

    def offer(self, seen: Seen, draw: Callable[[Seen], dict[str, str]]) -> None:
        value = self._score(seen)
        if value is None or np.isnan(value):
            return
        near = [moment for moment in self._found if abs(moment.time_s - seen.shot.time_s) < APART_S]
        rivals = near or (self._found if len(self._found) == KEPT else [])
        if near and max(moment.value for moment in near) >= value:
            return
        if not near and rivals:
            rivals = [min(rivals, key=lambda moment: moment.value)]
            if rivals[0].value >= value:
                return
        self._found = [moment for moment in self._found if moment not in rivals]
        shot = seen.shot
        self._found.append(Moment(shot.time_s, shot.bag, shot.bag_time_s, value, draw(seen)))


@dataclass(frozen=True)
class Shown:
    """A gallery as it was in the end; fields as there."""

    title: str
    note: str
    moments: tuple[Moment, ...]


class Moments:
    """A sink. masks: classes of the bundle, labels: of the labels as they are compared."""

    def __init__(self, galleries: Sequence[Gallery], masks: LabelSpace, labels: LabelSpace, adapts: bool) -> None:
        self.galleries, self._adapts = tuple(galleries), adapts
        self._masks, self._labels = masks.palette(), labels.palette()

    def add(self, seen: Seen) -> None:
        for gallery in self.galleries:
            gallery.offer(seen, self._draw)

    def _draw(self, seen: Seen) -> dict[str, str]:
        pictures = {'camera': seen.image}
        if seen.label is not None:
            pictures['label'] = colorize(seen.label, self._labels)
        views = ([('frozen', seen.frozen)] if self._adapts else []) + [('served', seen.served)]
        for name, view in views:
            pictures[name] = overlay(seen.image, colorize(view.mask, self._masks), 0.7)
        return {name: _encoded(picture) for name, picture in pictures.items()}

    def drop(self, shot: object) -> None:
        pass

    def close(self) -> None:
        pass


def galleries(adapts: bool, labelled: bool) -> list[Gallery]:
    """What is worth looking at."""
    if labelled and adapts:
        return [Gallery('Worst moments', 'served {0:.1f} points of mIoU below frozen', lambda seen: _gain(seen, -1)),
                Gallery('Best moments', 'served {0:.1f} points of mIoU above frozen', _gain)]
    if labelled:
        return [Gallery('Worst moments', '{0:.1f} % of mIoU are missing', lambda seen: _miou(seen, -1)),
                Gallery('Best moments', '{0:.1f} % mIoU', _miou)]
    unsure = Gallery('Where the served network is least sure', 'mean uncertainty {0:.1f} %', _doubt)
    if not adapts:
        return [unsure]
    return [Gallery('Where served and frozen differ most', '{0:.1f} % of the pixels differ', _difference), unsure]


def _gain(seen: Seen, sign: int = 1) -> float | None:
    """In points; None on the side where there is none."""
    if seen.confusions is None:
        return None
    served, frozen = (100 * mean_iou(matrix) for matrix in seen.confusions)
    return sign * (served - frozen) if sign * (served - frozen) > 0 else None


def _miou(seen: Seen, sign: int = 1) -> float | None:
    if seen.confusions is None:
        return None
    value = 100 * mean_iou(seen.confusions[0])
    return value if sign > 0 else 100 - value


def _difference(seen: Seen) -> float | None:
    return 100 * float((seen.served.mask != seen.frozen.mask).mean()) or None


def _doubt(seen: Seen) -> float:
    return 100 * (1 - float(seen.served.confidence.mean()) / 255)


def _encoded(picture: np.ndarray) -> str:
    height = max(1, round(picture.shape[0] * min(1.0, WIDTH / picture.shape[1])))
    small = cv2.resize(picture, (min(WIDTH, picture.shape[1]), height), interpolation=cv2.INTER_AREA)
    content = cv2.imencode('.jpg', small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return base64.b64encode(content.tobytes()).decode()

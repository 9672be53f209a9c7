"""The overlay video of an evaluation: what is served, beside the frozen network where something adapts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..labels import LabelSpace
from ..metrics import mean_iou
from ..report.video import OverlayVideo, VideoError
from ..runtime.render import colorize, overlay
from .drive import Shot
from .line import Seen

RATES_HZ = (1.0, 60.0)


class Film:
    """A sink. tell: gets one line if no video can be written. The rate is that of the first two pictures."""

    def __init__(self, path: Path, masks: LabelSpace, adapts: bool, tell: Callable[[str], None]) -> None:
        self._path, self._palette, self._adapts, self._tell = path, masks.palette(), adapts, tell
        self._first: tuple[Shot, np.ndarray, str] | None = None
        self._video: OverlayVideo | None = None
        self._failed = False

    def add(self, seen: Seen) -> None:
        if self._failed:
            return
        views = ([seen.frozen] if self._adapts else []) + [seen.served]
        picture = np.hstack([overlay(seen.image, colorize(view.mask, self._palette), 0.5) for view in views])
        if self._video is None and self._first is None:
            self._first = (seen.shot, picture, self._caption(seen))
        elif self._video is None:
            self._open(1 / max(1e-3, seen.shot.time_s - self._first[0].time_s))
        if self._video is not None:
            self._video.add(picture, self._caption(seen))

    def _open(self, rate_hz: float) -> None:
        _, picture, caption = self._first
        try:
            self._video = OverlayVideo(self._path, *picture.shape[:2], float(np.clip(rate_hz, *RATES_HZ)))
            self._video.add(picture, caption)
        except VideoError as error:
            self._failed = True
            self._tell(str(error))

    def _caption(self, seen: Seen) -> str:
        told = 'left frozen, right served   ' if self._adapts else ''
        told += f'{seen.shot.time_s:.1f} s   weights {seen.version}'
        if seen.confusions is not None:
            values = [f'{100 * mean_iou(matrix):.0f} %' for matrix in seen.confusions]
            told += f'   mIoU {values[1]}, {values[0]}' if self._adapts else f'   mIoU {values[0]}'
        return told

    def drop(self, shot: Shot) -> None:
        pass

    def close(self) -> None:
        """A drive of one picture leaves a video of it."""
        if self._video is None and self._first is not None and not self._failed:
            self._open(RATES_HZ[0])
        if self._video is not None:
            self._video.close()

"""The overlay video, in a form that browsers play: VP8 or VP9 in WebM, which OpenCV's wheels can write."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .lettering import INK, write

CODECS = ('VP80', 'VP90')  # VP8 is written four times as fast, and every browser knows both
MAX_WIDTH = 960
_BAR = 34  # height of the caption's bar in pixels


class VideoError(RuntimeError):
    """The video cannot be written. The text says why."""


class OverlayVideo:
    """Writes pictures with a caption below. `size` is that of the finished video (width, height); close() ends it.

    path: ends in .webm. height, width: of the pictures; wider ones are reduced to max_width. rate_hz: pictures a second.
    Raises VideoError if this OpenCV has no encoder for the web.
    """

    def __init__(self, path: Path, height: int, width: int, rate_hz: float, max_width: int = MAX_WIDTH) -> None:
        scale = min(1.0, max_width / width)
        self._width, self._height = (max(2, round(side * scale) // 2 * 2) for side in (width, height))
        self.size = (self._width, self._height + _BAR)
        self._writer = _open(path, rate_hz, self.size)

    def add(self, picture: np.ndarray, *texts: str) -> None:
        """picture: HxWx3 uint8 RGB, of any size: it is brought to that of the video. texts: share the width below it."""
        if picture.shape[:2] != (self._height, self._width):
            picture = cv2.resize(picture, (self._width, self._height), interpolation=cv2.INTER_AREA)
        canvas = np.full((self._height + _BAR, self._width, 3), 250, np.uint8)
        canvas[: self._height] = picture
        share = self._width // max(1, len(texts))
        for place, text in enumerate(texts):
            write(canvas, text, place * share + 12, self._height + 22, 0.5, INK, share - 24)
        self._writer.write(canvas[..., ::-1].copy())

    def close(self) -> None:
        """Finish the file."""
        self._writer.release()


def _open(path: Path, rate_hz: float, size: tuple[int, int]) -> cv2.VideoWriter:
    for codec in CODECS:
        with _quiet():
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate_hz, size)
        if writer.isOpened():
            return writer
    raise VideoError(f'{path}: this OpenCV ({cv2.__version__}) writes neither VP8 nor VP9; '
                     'opencv-python-headless from pip does')


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """FFmpeg greets a WebM with 'tag VP80 is not supported' and then writes it all the same: spare people the fright."""
    sys.stderr.flush()
    saved, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)

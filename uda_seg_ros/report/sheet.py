"""The contact sheet: moments of a drive, or pictures of a set, side by side, from camera to mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .drive import Moment
from .lettering import GREY, INK, write

COLUMNS = 6
_THUMB, _GAP, _GUTTER, _HEAD = 300, 10, 150, 92  # pixels
SMOOTH = ('camera', 'overlay', 'frozen', 'adapted')  # the others are classes, between which there is nothing
_PAPER = (252, 251, 248)


@dataclass(frozen=True, eq=False)
class Strip:
    """A column of the sheet.

    title, note: the two lines above it. pictures: HxWx3 uint8 RGB by row title ('camera', 'mask', 'overlay', 'label'; where
    a drive was played twice 'frozen' and 'adapted' for overlays).
    """

    title: str
    note: str
    pictures: dict[str, np.ndarray]


def of_moment(moment: Moment, pictures: dict[str, np.ndarray], adapted: Moment | None = None) -> Strip:
    """The strip of a drive's moment. adapted: the same moment, played through the adapting node."""
    note = f'mIoU {moment.miou:.1f} %' if moment.miou is not None else ''
    if note and adapted is not None and adapted.miou is not None:
        note = f'mIoU {moment.miou:.1f} | {adapted.miou:.1f} %'
    return Strip(f'{moment.segment}, {moment.time_s:.1f} s', note, pictures)


def choose(moments: Sequence[Moment], count: int = COLUMNS) -> list[int]:
    """Indices of up to `count` moments that have a mask, spread over the drive, each at the middle of its share."""
    shown = [moment.index for moment in moments if moment.latency_ms is not None]
    count = min(count, len(shown))
    return [shown[(2 * place + 1) * len(shown) // (2 * count)] for place in range(count)]


def draw(strips: Sequence[Strip]) -> np.ndarray:
    """The sheet as HxWx3 uint8 RGB: one column a strip, one row a title."""
    titles = list(dict.fromkeys(title for strip in strips for title in strip.pictures))
    height = max(round(_THUMB * picture.shape[0] / picture.shape[1])
                 for strip in strips for picture in strip.pictures.values())
    sheet = np.full((_HEAD + len(titles) * (height + _GAP) + _GAP, _GUTTER + len(strips) * (_THUMB + _GAP) + _GAP, 3),
                    _PAPER, np.uint8)
    for row, title in enumerate(titles):
        write(sheet, title, 16, _HEAD + row * (height + _GAP) + height // 2, 0.85, GREY, _GUTTER - 24)
    for column, strip in enumerate(strips):
        _draw_strip(sheet, strip, titles, _GUTTER + column * (_THUMB + _GAP), height)
    return sheet


def _draw_strip(sheet: np.ndarray, strip: Strip, titles: Sequence[str], left: int, height: int) -> None:
    write(sheet, strip.title, left, 38, 0.95, INK, _THUMB)
    write(sheet, strip.note, left, 72, 0.8, GREY, _THUMB)
    for row, title in enumerate(titles):
        if title in strip.pictures:
            top = _HEAD + row * (height + _GAP)
            picture = strip.pictures[title]
            smooth = cv2.INTER_AREA if title in SMOOTH else cv2.INTER_NEAREST
            rows = round(_THUMB * picture.shape[0] / picture.shape[1])
            sheet[top : top + rows, left : left + _THUMB] = cv2.resize(picture, (_THUMB, rows), interpolation=smooth)


def save(sheet: np.ndarray, path: Path) -> None:
    """Write the sheet as JPEG or PNG, by the ending of the path. Raises OSError."""
    done, content = cv2.imencode(path.suffix, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise OSError(f'{path}: OpenCV cannot encode {path.suffix}')
    path.write_bytes(content.tobytes())

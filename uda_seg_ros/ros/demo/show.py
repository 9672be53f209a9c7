"""Turns a played drive into files: figures, overlay video, contact sheet and the page that shows them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...labels import mapping
from ...report import page, sheet
from ...report.drive import Drive
from ...report.video import OverlayVideo, VideoError
from ...runtime.render import colorize
from ..convert import ConversionError, compressed_to_rgb, image_to_rgb
from .sources import Shot, Source
from .summary import agreement, figures
from .view import View

VIDEO, POSTER, SHEET = 'overlay.webm', 'poster.jpg', 'contact_sheet.jpg'
SUMMARY, PAGE = 'summary.json', 'index.html'
BOTH_WIDTH, GAP = 1284, 4  # of the video of both overlays, and what lies between them, in pixels


@dataclass
class Exhibition:
    """Everything that is shown of one drive. frozen, adapted: how it was played; adapted is None where it was not.

    details: what goes into the summary beside the figures. progress: called after each frame of the second pass.
    """

    source: Source
    frozen: View
    adapted: View | None
    details: dict[str, Any]
    notes: list[str]
    progress: Callable[[], object]
    _shares: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    _size: tuple[int, int] = (0, 0)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write all files and return the summary."""
        chosen = set(sheet.choose(self.frozen.moments))
        labels = self._score(chosen)
        strips, poster, video = self._show(chosen, labels, folder)
        summary = {**self._figures(self.frozen), 'skipped': self.source.skipped, 'height': self._size[0],
                   'width': self._size[1], 'rate_hz': self._rate_hz(), 'adapted': self._adapted(), **self.details,
                   'notes': [*self.source.notes, *self.notes]}
        if strips:
            sheet.save(sheet.draw(strips), folder / SHEET)
            sheet.save(poster, folder / POSTER)
        total = max(1, self._shares.sum())
        masks = self.frozen.masks
        shares = {name: 100 * int(count) / total for name, count in zip(masks.names, self._shares)}
        drive = Drive(summary, self.frozen.moments, masks, shares, video, *((POSTER, SHEET) if strips else ('', '')),
                      adapted=self.adapted.moments if self.adapted else ())
        (folder / PAGE).write_text(page.render(drive), encoding='utf-8')
        (folder / SUMMARY).write_text(json.dumps(summary, indent=2, allow_nan=False) + '\n', encoding='utf-8')
        return summary

    @property
    def _views(self) -> list[View]:
        return [view for view in (self.frozen, self.adapted) if view is not None]

    @staticmethod
    def _figures(view: View) -> dict[str, Any]:
        return figures(view.moments, view.scores if view.scores.frames else None)

    def _adapted(self) -> dict[str, Any] | None:
        if self.adapted is None:
            return None
        return {**self._figures(self.adapted), 'agreement': agreement(self.adapted.moments),
                **self.adapted.playing.learned()}

    def _rate_hz(self) -> float:
        """Frames a second as they were due."""
        sent = self.frozen.playing.sent
        span_ns = sent[-1].due_ns - sent[0].due_ns
        return round((len(sent) - 1) * 1e9 / span_ns, 2) if span_ns else 0.0

    def _score(self, chosen: set[int]) -> dict[int, np.ndarray]:
        """Score all frames that have a label, and a mask in every playing; return the labels of the chosen ones."""
        if not self.source.has_labels:
            return {}
        kept = {}
        for stamp_ns, label in self.source.labels():
            if all(view.mask(stamp_ns) is not None for view in self._views):  # or a frame that one dropped would tell for it
                for view in self._views:
                    view.score(stamp_ns, label)
            moment = self.frozen.at(stamp_ns)
            if moment is not None and moment.index in chosen:
                kept[moment.index] = label
        if not self.frozen.scores.frames:
            self.notes.append('No label has the stamp of a frame that got a mask: nothing was scored.')
        return kept

    def _show(self, chosen: set[int], labels: dict[int, np.ndarray],
              folder: Path) -> tuple[list[sheet.Strip], np.ndarray | None, str]:
        """Go through the drive once more, with the masks: the sheet's strips, a picture of the middle, the video's name."""
        strips: list[sheet.Strip] = []
        posters: list[np.ndarray] = []
        video: OverlayVideo | None = None
        try:
            for shot in self.source.shots():
                moment, picture = self.frozen.at(shot.stamp_ns), _picture(shot)
                if moment is None:
                    break  # the playing was limited to the frames before
                self.progress()
                if picture is None:
                    continue
                if not any(self._size):
                    self._size = picture.shape[:2]
                    video = self._video(folder)
                shown = [view.pictures(shot.stamp_ns, picture) for view in self._views]
                self._count(shot.stamp_ns)
                if video is not None:
                    video.add(self._joined(picture, shown), *self._captions(shot.stamp_ns))
                if shot.index in chosen:
                    strips.append(self._strip(shot, picture, shown, labels.get(shot.index)))
                    posters.append(self._joined(picture, shown))
        finally:
            if video is not None:
                video.close()
        return strips, posters[len(posters) // 2] if posters else None, VIDEO if video is not None else ''

    def _video(self, folder: Path) -> OverlayVideo | None:
        height, width = self._size
        width, most = (width, {}) if self.adapted is None else (2 * width + GAP, {'max_width': BOTH_WIDTH})
        try:
            return OverlayVideo(folder / VIDEO, height, width, rate_hz=self._rate_hz() or 1.0, **most)
        except VideoError as error:
            self.notes.append(f'There is no video: {error}.')
            return None

    def _count(self, stamp_ns: int) -> None:
        """Classes by pixels, and how far both playings agree."""
        masks = [view.mask(stamp_ns) for view in self._views]
        for mask in masks:
            if mask is not None:
                self._shares += np.bincount(mask.reshape(-1), minlength=256)
        if self.adapted is not None and self.adapted.at(stamp_ns) is not None:
            self.adapted.agree(stamp_ns, masks[0])

    def _captions(self, stamp_ns: int) -> list[str]:
        if self.adapted is None:
            return [self.frozen.caption(stamp_ns)]
        return [self.frozen.caption(stamp_ns, 'frozen'), self.adapted.caption(stamp_ns, 'adapting')]

    @staticmethod
    def _joined(picture: np.ndarray, shown: list[dict[str, np.ndarray]]) -> np.ndarray:
        """The overlays side by side; the camera's picture where no mask came."""
        overlays = [pictures.get('overlay', picture) for pictures in shown]
        gap = np.full((picture.shape[0], GAP, 3), 250, np.uint8)
        return overlays[0] if len(overlays) == 1 else np.hstack([overlays[0], gap, overlays[1]])

    def _strip(self, shot: Shot, picture: np.ndarray, shown: list[dict[str, np.ndarray]],
               label: np.ndarray | None) -> sheet.Strip:
        pictures = {'camera': picture}
        if self.adapted is None:
            pictures |= shown[0]
        else:
            pictures |= {name: each['overlay'] for name, each in zip(('frozen', 'adapted'), shown) if each}
        if label is not None:
            in_masks_space = mapping(self.frozen.labels, self.frozen.masks)  # one colour a class, in masks and labels
            pictures['label'] = colorize(in_masks_space[label], self.frozen.masks.palette())
        return sheet.of_moment(self.frozen.at(shot.stamp_ns), pictures,
                               self.adapted.at(shot.stamp_ns) if self.adapted else None)


def _picture(shot: Shot) -> np.ndarray | None:
    """HxWx3 uint8 RGB of a frame, None if it cannot be read: the node could not read it either."""
    try:
        return (image_to_rgb if hasattr(shot.message, 'encoding') else compressed_to_rgb)(shot.message)
    except ConversionError:
        return None

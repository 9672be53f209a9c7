"""Turns a played drive into files: figures, overlay video, contact sheet and the page that shows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...labels import LabelSpace, mapping
from ...report import page, sheet
from ...report.drive import Drive, Moment, caption
from ...report.scores import Scores
from ...report.segments import Segments
from ...report.video import OverlayVideo, VideoError
from ...runtime.render import colorize, overlay
from ..convert import ConversionError, compressed_to_rgb, image_to_rgb
from .collector import Collector
from .player import Sent
from .sources import Shot, Source
from .summary import figures

VIDEO, POSTER, SHEET = 'overlay.webm', 'poster.jpg', 'contact_sheet.jpg'
SUMMARY, PAGE = 'summary.json', 'index.html'
OVERLAY_ALPHA = 0.5


def moments_of(sent: Sequence[Sent], collector: Collector, segments: Segments) -> list[Moment]:
    """One moment a frame, with the latency of those whose mask came."""
    moments = []
    for frame in sent:
        received_ns = collector.received_ns.get(frame.stamp_ns)
        latency_ms = None if received_ns is None else (received_ns - frame.sent_ns) / 1e6
        moments.append(Moment(frame.index, frame.due_ns / 1e9, segments.of(frame.index), latency_ms,
                              collector.confidence.get(frame.stamp_ns)))
    return moments


@dataclass
class Exhibition:
    """Everything that is shown of one drive. masks: the label space of the masks; labels: that of the source's labels.

    details: what goes into the summary beside the figures. progress: called after each frame of the second pass.
    """

    source: Source
    collector: Collector
    sent: Sequence[Sent]
    segments: Segments
    masks: LabelSpace
    labels: LabelSpace
    details: dict[str, Any]
    notes: list[str]
    progress: Callable[[], object]
    _shares: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    _size: tuple[int, int] = (0, 0)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write all files and return the summary."""
        moments = moments_of(self.sent, self.collector, self.segments)
        chosen = set(sheet.choose(moments))
        moments, scores, labels = self._score(moments, chosen)
        strips, video = self._show(moments, chosen, labels, folder)
        summary = {**figures(moments, scores), 'skipped': self.source.skipped, 'height': self._size[0],
                   'width': self._size[1], 'rate_hz': self._rate_hz(), **self.details,
                   'notes': [*self.source.notes, *self.notes]}
        if strips:
            sheet.save(sheet.draw(strips), folder / SHEET)
            sheet.save(strips[len(strips) // 2].pictures['overlay'], folder / POSTER)
        total = max(1, self._shares.sum())
        shares = {name: 100 * int(count) / total for name, count in zip(self.masks.names, self._shares)}
        drive = Drive(summary, moments, self.masks, shares, video, *((POSTER, SHEET) if strips else ('', '')))
        (folder / PAGE).write_text(page.render(drive), encoding='utf-8')
        (folder / SUMMARY).write_text(json.dumps(summary, indent=2, allow_nan=False) + '\n', encoding='utf-8')
        return summary

    def _rate_hz(self) -> float:
        """Frames a second as they were due."""
        span_ns = self.sent[-1].due_ns - self.sent[0].due_ns
        return round((len(self.sent) - 1) * 1e9 / span_ns, 2) if span_ns else 0.0

    def _score(self, moments: list[Moment], chosen: set[int]) -> tuple[list[Moment], Scores | None, dict[int, np.ndarray]]:
        """The moments with their mIoU, the scores, and the labels of the chosen frames."""
        if not self.source.has_labels:
            return moments, None, {}
        scores, kept = Scores(self.masks, self.labels), {}
        places = {frame.stamp_ns: place for place, frame in enumerate(self.sent)}
        for stamp_ns, label in self.source.labels():
            mask = self.collector.mask(stamp_ns)
            if mask is None or stamp_ns not in places:
                continue
            moment = moments[places[stamp_ns]]
            miou = scores.add(moment.segment, label, mask)
            moments[places[stamp_ns]] = replace(moment, miou=None if np.isnan(miou) else miou)
            if moment.index in chosen:
                kept[moment.index] = label
        if not scores.frames:
            self.notes.append('No label has the stamp of a frame that got a mask: nothing was scored.')
            return moments, None, {}
        return moments, scores, kept

    def _show(self, moments: list[Moment], chosen: set[int], labels: dict[int, np.ndarray],
              folder: Path) -> tuple[list[sheet.Strip], str]:
        """Go through the drive once more, with the masks: the strips of the sheet, and the name of the video."""
        by_stamp = {frame.stamp_ns: moment for frame, moment in zip(self.sent, moments)}
        in_masks_space = mapping(self.labels, self.masks)  # one colour a class, in masks and labels
        strips: list[sheet.Strip] = []
        video: OverlayVideo | None = None
        try:
            for shot in self.source.shots():
                moment, picture = by_stamp.get(shot.stamp_ns), _picture(shot)
                if moment is None:
                    break  # the playing was limited to the frames before
                self.progress()
                if picture is None:
                    continue
                if video is None:
                    self._size = picture.shape[:2]
                    video = self._video(folder)
                pictures = self._pictures(shot.stamp_ns, picture)
                if video is not None:
                    video.add(pictures.get('overlay', picture), caption(moment))
                if shot.index in chosen:
                    if shot.index in labels:
                        pictures['label'] = colorize(in_masks_space[labels[shot.index]], self.masks.palette())
                    strips.append(sheet.of_moment(moment, pictures))
        finally:
            if video is not None:
                video.close()
        return strips, VIDEO if video is not None else ''

    def _video(self, folder: Path) -> OverlayVideo | None:
        try:
            return OverlayVideo(folder / VIDEO, *self._size, rate_hz=self._rate_hz() or 1.0)
        except VideoError as error:
            self.notes.append(f'There is no video: {error}.')
            return None

    def _pictures(self, stamp_ns: int, picture: np.ndarray) -> dict[str, np.ndarray]:
        """The camera's picture and, if its mask came, mask and overlay in colour."""
        mask = self.collector.mask(stamp_ns)
        if mask is None:
            return {'camera': picture}
        self._shares += np.bincount(mask.reshape(-1), minlength=256)
        color = colorize(mask, self.masks.palette())
        return {'camera': picture, 'mask': color, 'overlay': overlay(picture, color, OVERLAY_ALPHA)}


def _picture(shot: Shot) -> np.ndarray | None:
    """HxWx3 uint8 RGB of a frame, None if it cannot be read: the node could not read it either."""
    try:
        return (image_to_rgb if hasattr(shot.message, 'encoding') else compressed_to_rgb)(shot.message)
    except ConversionError:
        return None

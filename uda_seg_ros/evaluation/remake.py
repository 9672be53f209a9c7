"""The page anew from a folder of results: after Plotly was installed, or by a newer version. Reads no bag."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import from_mapping, to_mapping
from ..labels import LabelSpace
from ..storage.whole_file import write_text
from .line import FILE
from .moments import Gallery, Shown
from .page import Exhibit, render
from .record import read

SUMMARY, PAGE, VIDEO, MOMENTS = 'summary.json', 'report.html', 'overlay.webm', 'moments.json'


@dataclass(frozen=True)
class Kept:
    """What the page shows and neither result.jsonl nor summary.json has. masks, space: as in page.Exhibit."""

    galleries: tuple[Shown, ...]
    masks: LabelSpace
    space: LabelSpace


def keep(folder: Path, galleries: Sequence[Gallery], masks: LabelSpace, space: LabelSpace) -> None:
    shown = tuple(Shown(gallery.title, gallery.note, gallery.moments) for gallery in galleries)
    write_text(folder / MOMENTS, json.dumps(to_mapping(Kept(shown, masks, space))))


def remake(folder: Path) -> Path:
    """Write the page of a folder of results; its path. Raises OSError, ConfigError, or PlotsMissing without Plotly."""
    kept = from_mapping(Kept, json.loads((folder / MOMENTS).read_text(encoding='utf-8')), str(folder / MOMENTS))
    summary = json.loads((folder / SUMMARY).read_text(encoding='utf-8'))
    record = read(folder / FILE, kept.space.num_classes)
    video = VIDEO if (folder / VIDEO).exists() else ''
    write_text(folder / PAGE, render(Exhibit(record, summary, kept.galleries, kept.masks, kept.space, video)))
    return folder / PAGE

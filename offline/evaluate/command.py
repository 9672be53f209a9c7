"""Score a bundle, or the student of a run, on labelled data; with --out as a page with pictures."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.cli import count, size
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.report import sheet
from uda_seg_ros.storage.whole_file import write_text

from ..datasets import Dataset
from ..errors import told
from ..load_bundle import load_bundle
from . import contact, page, plots
from .named_data import named, open_own
from .score import marker_of, score
from .scores import Scores
from .views import Views

PAGE, FIGURES = 'index.html', 'scores.json'


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 1 after one line that says what went wrong."""
    options = parser().parse_args(arguments)
    return told(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Everything that can be wrong is found before the first picture is predicted."""
    if options.out is not None:
        plots.check_matplotlib()
    for folder in (options.out, options.json and options.json.parent):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    how, bundle = how_to_look(options), load_bundle(options.bundle)
    datasets = {name: open_own(spec) for name, spec in named(options.data).items()}
    scores = {}
    for name, dataset in datasets.items():
        scores[name] = score(bundle, dataset, **how, limit=options.limit, title=name)
        print(as_text(name, scores[name]), flush=True)
    if options.json is not None:
        write_json(options.json, scores)
    if options.out is not None:
        exhibit(options, bundle, datasets, scores)
        print(f'Look at {options.out / PAGE}')


def how_to_look(options: argparse.Namespace) -> dict[str, Any]:
    """What score() and marker_of() take beside bundle and data."""
    views = Views(options.slide is not False, options.slide or None, options.overlap, options.flip, options.size)
    return {'labels': LABEL_SPACES[options.labels] if options.labels else None, 'device': options.device, 'views': views}


def exhibit(options: argparse.Namespace, bundle: Bundle, datasets: Mapping[str, Dataset],
            scores: Mapping[str, Scores]) -> None:
    """Write the page and all that it shows into options.out."""
    pictures = {}
    for number, (name, dataset) in enumerate(datasets.items(), 1):
        marker = marker_of(bundle, dataset, **how_to_look(options))
        strips = contact.strips(scores[name].images, dataset, marker, scores[name].labels)
        stem = f'{number}_{re.sub("[^A-Za-z0-9]+", "_", name)[:40]}'
        pictures[name] = draw(options.out, stem, scores[name], strips)
    write_json(options.out / FIGURES, scores)
    write_text(options.out / PAGE, page.render(bundle, scores, pictures, settings(options)))


def draw(folder: Path, stem: str, scores: Scores, strips: list[sheet.Strip]) -> page.Pictures:
    """Write the pictures of one data set and return their names."""
    names = page.Pictures(f'{stem}_confusion.png', f'{stem}_reliability.png', f'{stem}_sheet.jpg' if strips else '')
    plots.confusion_picture(scores, folder / names.confusion)
    plots.reliability_picture(scores, folder / names.reliability)
    if strips:
        sheet.save(sheet.draw(strips), folder / names.sheet)
    return names


def as_text(name: str, scores: Scores) -> str:
    """Scores in lines: the classes, then the sum."""
    width = max(map(len, scores.iou), default=0)
    share = scores.pixel_share
    lines = [f'  {of_class:<{width}}  {100 * value:5.1f} %   ({100 * share[of_class]:.2f} % of the pixels)'
             for of_class, value in scores.iou.items()]
    return '\n'.join([*lines, f'{name}: mIoU {100 * scores.miou:.1f} %, pixel accuracy {100 * scores.accuracy:.1f} %, '
                      f'calibration error {100 * scores.ece:.1f} % ({scores.num_images} pictures, classes of '
                      f'{scores.labels.name}, {1000 * scores.seconds / max(1, scores.num_images):.0f} ms a picture)'])


def settings(options: argparse.Namespace) -> list[tuple[str, object]]:
    """How it was made, for people."""
    views = ['sliding window'] * (options.slide is not False) + ['mean with the mirror image'] * options.flip
    shown = {'bundle or run': options.bundle, 'data': ', '.join(options.data), 'limit': options.limit or 'all pictures',
             'view': ', '.join(views) or 'as on the vehicle',
             'network input': 'x'.join(map(str, options.size[::-1])) if options.size else "the bundle's"}
    return list(shown.items())


def write_json(path: Path, scores: Mapping[str, Scores]) -> None:
    """Whole or not at all."""
    figures = {name: of_data.as_dict() for name, of_data in scores.items()}
    write_text(path, json.dumps(figures, indent=1, allow_nan=False) + '\n')


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog='python -m offline evaluate', description=__doc__)
    made.add_argument('bundle', type=Path, metavar='BUNDLE_OR_RUN')
    made.add_argument('--data', action='append', required=True, metavar='[NAME=]SPEC',
                      help='labelled data: kind:path?option=value&...; several with names of their own')
    made.add_argument('--labels', choices=sorted(LABEL_SPACES),
                      help="score in this label space (default: the coarser of the bundle's and the data's)")
    made.add_argument('--size', type=size, metavar='WxH', help="of the network's input (default: the bundle's)")
    made.add_argument('--slide', type=size, nargs='?', const=None, default=False, metavar='WxH',
                      help="slide a window over the network's input (default: a square of its shorter side)")
    made.add_argument('--overlap', type=float, default=1 / 3, help='share of a window that the next sees too (1/3)')
    made.add_argument('--flip', action='store_true', help='average over the mirror image')
    made.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default: auto)')
    made.add_argument('--limit', type=count, metavar='N', help='so many pictures, spread over the data')
    made.add_argument('--out', type=Path, metavar='DIR', help=f'folder for {PAGE}, {FIGURES} and pictures')
    made.add_argument('--json', type=Path, metavar='FILE', help='write the figures')
    return made


if __name__ == '__main__':
    sys.exit(main())

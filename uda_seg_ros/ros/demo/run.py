"""The demo from end to end: check everything, start the node, play, collect, show."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from ...bundle import BundleError, default_bundle, read_manifest
from ...labels import LABEL_SPACES
from ...provenance import describe_bundle
from ...report.adapted import sentence
from ...report.segments import Segments, parse_segments, segments_in
from ..bag import BagError
from .live import BAR_S, NoLearner, PlayError, play
from .node_process import NodeError, NodeProcess, profile_in_use, surroundings
from .playing import Playing
from .show import PAGE, Exhibition
from .sources import Source, SourceError, SourceOptions, label_space, open_source
from .summary import versions
from .view import View


class DemoError(RuntimeError):
    """The demo cannot go on. The text says why."""


def main(argv: list[str] | None = None) -> int:
    """Run the demo and return its exit code: 0, or 2 after one line that says what went wrong."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _end)  # so that the node is ended on this way out too
    try:
        _check(arguments)
        if arguments.check:
            return 0
        if arguments.input is None:
            raise DemoError('--input is missing: a rosbag2, a ROS 1 bag, a video or a folder of pictures')
        folder = _prepare(arguments.out, arguments.input)
        try:
            summary = _run(arguments, folder)
        finally:
            _leave(folder)
    except (DemoError, NodeError, PlayError, SourceError, BagError, BundleError, OSError) as error:
        print(f'demo: error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('demo: interrupted', file=sys.stderr)
        return 130
    for line in _report(summary):
        print(line)
    print(f'Look at {folder / PAGE}')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=os.environ.get('UDA_SEG_DEMO', 'python -m uda_seg_ros.ros.demo'),
                                     description='Play a drive through the running node, and make a page that shows it.')
    parser.add_argument('--input', type=Path, help='rosbag2, ROS 1 bag, video or folder of pictures (scripts/demo.sh '
                        'without it makes a procedural drive: clear, fog, clear)')
    parser.add_argument('--bundle', type=Path, default=default_bundle(), help='network to run (default: the one shipped)')
    parser.add_argument('--out', type=Path, help='new or empty folder for the result (default: out/demo-<time>)')
    parser.add_argument('--image-topic', default='', help='image topic of the bag (default: the only one)')
    parser.add_argument('--label-topic', default='', help='label topic of the bag (default: /camera/label if it is there)')
    parser.add_argument('--labels', type=Path, help='folder of label pictures, named like the pictures of the input folder')
    parser.add_argument('--label-space', choices=sorted(LABEL_SPACES),
                        help="what the ids in the labels mean; needed with --labels (default: a bag's are cityscapes19)")
    parser.add_argument('--segments', type=_segments, help="parts to score apart: 'clear:100,fog:200' in frames")
    parser.add_argument('--rate', type=float, default=0.0, metavar='HZ', help="frames a second (default: the drive's own)")
    parser.add_argument('--frames', type=int, metavar='N', help='play the first N frames only')
    parser.add_argument('--no-adapt', action='store_true', help='play the drive frozen only, not a second time adapting')
    parser.add_argument('--check', action='store_true', help='check these options, then stop')
    return parser


def _segments(text: str) -> Segments:
    try:
        return parse_segments(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _check(arguments: argparse.Namespace) -> None:
    """Raise DemoError, SourceError or BundleError for options that cannot be, before anything is made."""
    if arguments.rate < 0 or (arguments.frames is not None and arguments.frames < 1):
        raise DemoError('--rate and --frames must be greater than 0')
    label_space(arguments.label_space, arguments.labels)
    read_manifest(arguments.bundle)


def _leave(folder: Path) -> None:
    """Remove the folder again if nothing came into it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def _prepare(out: Path | None, drive: Path) -> Path:
    """The folder for the result, made and proven to be writable. It may hold the drive, nothing else. Raises DemoError."""
    folder = (out or Path('out') / f'demo-{datetime.now():%Y%m%d-%H%M%S}').absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(not drive.absolute().is_relative_to(entry) for entry in folder.iterdir()):
            raise DemoError(f'{folder}: is not empty; choose another folder with --out')
        (folder / PAGE).touch()
        (folder / PAGE).unlink()
    except OSError as error:
        raise DemoError(f'{folder}: cannot be written: {error.strerror}; choose another folder with --out') from error
    return folder


def _run(arguments: argparse.Namespace, folder: Path) -> dict:
    manifest = read_manifest(arguments.bundle)
    labels = label_space(arguments.label_space, arguments.labels)
    segments = arguments.segments or _told_segments(arguments.input)
    source = open_source(arguments.input, SourceOptions(
        arguments.image_topic, arguments.label_topic, arguments.labels, labels, arguments.rate))
    os.environ.update(surroundings())  # before ROS reads them
    parameters = {'model': str(arguments.bundle.absolute()), 'image_transport': 'compressed' if source.compressed else 'raw'}
    frozen, adapted, notes = _play(source, parameters, folder, arguments.frames), None, []
    if not arguments.no_adapt:
        try:
            adapted = _play(source, parameters, folder, arguments.frames, adapting=True)
        except NoLearner as error:
            notes.append(f'The node could not adapt, so that the drive was played frozen only: {error}.')
    playings = [playing for playing in (frozen, adapted) if playing is not None]
    details = {'input': str(arguments.input), 'bundle': describe_bundle(manifest, str(arguments.bundle)),
               'settings': {'labels': labels.name if source.has_labels else 'none',
                            'image transport': parameters['image_transport'],
                            'shared-memory profile': profile_in_use() or 'none',
                            'sent late at most': f'{max(playing.late_ms for playing in playings):.0f} ms'},
               'versions': versions()}
    views = [None if playing is None else View(playing, segments, manifest.labels, labels) for playing in (frozen, adapted)]
    notes += [note for playing in playings for note in playing.notes()]
    with tqdm(total=len(frozen.sent), desc='showing', unit=' frames', mininterval=BAR_S) as bar:
        return Exhibition(source, *views, details, notes, bar.update).write(folder)


def _play(source: Source, parameters: dict[str, object], folder: Path, limit: int | None, adapting: bool = False) -> Playing:
    """Play the drive through a node of its own. Raises as live.play."""
    if adapting:
        # Nothing is taken up from other drives, nor kept for them: the two playings differ by this drive alone.
        parameters = {**parameters, 'adaptation.enabled': True, 'adaptation.resume': False,
                      'adaptation.autosave_period': 0.0}
    with NodeProcess(parameters, folder, 'node_adapted' if adapting else 'node') as node:
        playing = play(source, node, limit, adapting=adapting)
        node.stop()
        return replace(playing, refusals=node.refusals())


def _told_segments(drive: Path) -> Segments:
    """What a procedural drive tells of its weather; one segment for any other drive."""
    told = drive / 'drive.json'
    try:
        return segments_in(told) if told.is_file() else Segments([('drive', 1)])
    except ValueError as error:
        raise DemoError(str(error)) from error


def _report(summary: dict) -> list[str]:
    lines, adapted = _figures(summary, ''), summary['adapted']
    if adapted is not None:
        lines += [*_figures(adapted, 'adapting: '), sentence(summary)]
    if summary['miou']:
        lines.append(f'Scored with labels of {summary["settings"]["labels"]}.')
    if origin := summary['bundle'].get('trained on'):
        lines.append(f'The network was trained on {origin}.')
    return lines + summary['notes']


def _figures(figures: dict, who: str) -> list[str]:
    latency = figures['latency_ms']
    lines = [f'{who}{figures["frames_in"]} frames in, {figures["masks_out"]} masks out, {figures["dropped"]} dropped; '
             f'latency {latency["p50"]:.0f} ms (p50), {latency["p95"]:.0f} ms (p95), {latency["p99"]:.0f} ms (p99)']
    scored = [f'{name} {value:.1f} %' for name, value in figures['miou'].items() if value is not None]
    return lines + ([f'{who}mIoU {", ".join(scored)}'] if scored else [])

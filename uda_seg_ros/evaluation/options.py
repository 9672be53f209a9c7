"""The options of evaluate_bag. Only what is needed to read them is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..bundle import default_bundle
from ..labels import LABEL_SPACES

PIECES = 4  # of background work between two frames, as in bench-streams


def add_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument('bags', nargs='+', type=Path, metavar='BAG',
                        help='rosbag2 folder, .mcap, .db3 or ROS 1 .bag; several are one drive')
    parser.add_argument('--bundle', type=Path, default=default_bundle(), help='network to run (default: the one shipped)')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='new or empty folder for the result')
    parser.add_argument('--image-topic', default='', metavar='TOPIC', help='of the camera (default: the only one)')
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument('--label-topic', default='', metavar='TOPIC',
                        help='of the labels (default: /camera/label if it is there)')
    labels.add_argument('--labels', type=Path, metavar='DIR', help='label pictures named by the stamp of '
                        'their frame, such as 1700000000_123456789.png or in nanoseconds')
    parser.add_argument('--label-space', choices=sorted(LABEL_SPACES), metavar='NAME',
                        help=f"what the ids in the labels mean: {', '.join(LABEL_SPACES)} (default: the bundle's classes)")
    _add_adaptation(parser)
    _add_cut(parser)
    parser.add_argument('--min-miou', type=_number, metavar='X', help='exit with 1 if the mIoU in percent is below')
    parser.add_argument('--max-regret', type=_number, metavar='X', help='exit with 1 if the worst window loses more '
                        'points of mIoU against frozen')
    parser.add_argument('--write-bag', type=Path, metavar='OUT', help='new folder for an mcap bag of masks and confidence')
    parser.add_argument('--rerun', action='store_true', help='write drive.rrd as well (needs rerun-sdk)')
    parser.add_argument('--no-video', action='store_true', help='write no overlay video')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default: auto)')
    parser.add_argument('--threads', type=_count, default=1, metavar='N')


def _add_adaptation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--adapt', action='store_true', help='adapt while driving, and compare with the frozen network')
    parser.add_argument('--method', default='agoa', help="agoa, or 'module:name' of an adapter (default: agoa)")
    parser.add_argument('--settings', type=Path, metavar='FILE', help='YAML file of settings of the method')
    parser.add_argument('--seed', type=int, default=0, help='of what the adapter draws (default: 0)')
    parser.add_argument('--mode', choices=('sequential', 'realtime'), default='sequential',
                        help='every frame once, the same result each time; or as on a robot, where the newest frame wins')
    parser.add_argument('--pieces', type=_count, default=PIECES, metavar='N',
                        help=f'of work of the adapter after each frame, if sequential (default: {PIECES})')


def _add_cut(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--start', type=_number, default=0.0, metavar='S', help='seconds to leave out at the beginning')
    parser.add_argument('--duration', type=_number, default=float('inf'), metavar='S',
                        help='seconds to evaluate (default: all)')
    parser.add_argument('--stride', type=_count, default=1, metavar='N', help='every Nth frame only (default: 1)')


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text!r} is not a number of 0 or more')
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number of 1 or more')
    return int(text)

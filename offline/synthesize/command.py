"""``python -m offline synthesize``: write a drive as Cityscapes pictures or as a rosbag2."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from uda_seg_ros.procedural.drive import drive
from uda_seg_ros.procedural.schedule import Schedule, ScheduleError, parse_schedule
from uda_seg_ros.procedural.town import TOWNS
from uda_seg_ros.procedural.weather import WEATHERS
from uda_seg_ros.procedural.world import FPS, SIZE

from .output import OutputError, describe, prepare
from .pictures import PictureWriter

SMALLEST, LARGEST = (64, 36), (3840, 2160)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when the drive is written, 2 after a one-line error, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        schedule = _schedule(options)
        prepare(options.out, options.overwrite)
        _write(options, schedule)
    except (ScheduleError, OutputError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f'cannot write to {error.filename or options.out}: {error.strerror or error}')
    except KeyboardInterrupt:
        _fail(f'interrupted; {options.out} is incomplete')
        return 130
    print(f'{schedule.frames} frames of {options.town} in {options.out}')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m offline synthesize", description="Drive through a procedural street, with exact labels.",
        epilog=f"weathers: {', '.join(WEATHERS)} (dusk is night:0.4). Schedule: clear:100,fog:0..1:200,fog:0.4+night:0.6:50",
    )  # fmt: skip
    parser.add_argument('--out', type=Path, required=True, help='folder to make: Cityscapes layout, or the bag itself')
    parser.add_argument('--frames', type=_count, help='how many; the schedule is stretched to it (default: its own sum)')
    parser.add_argument(
        '--weather', default='clear', help='schedule, weather[:severity or a..b]:frames,... (default: clear)'
    )
    parser.add_argument('--town', default='town_a', choices=list(TOWNS))
    parser.add_argument('--seed', type=_seed, default=0, help='which streets and traffic (default: 0)')
    parser.add_argument('--bag', choices=['sqlite3', 'mcap'], help='write a rosbag2 with this storage instead of pictures')
    parser.add_argument('--depth', action='store_true', help='with --bag: also /camera/depth, 32FC1 metres')
    parser.add_argument('--size', type=_size, default=SIZE, metavar='WxH', help='default: 640x360')
    parser.add_argument('--fps', type=_rate, default=FPS, help='frames per second of drive (default: 15)')
    parser.add_argument('--split', type=_plain_name, default='train', help='split folder of the pictures (default: train)')
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier drive at --out')
    return parser


def _schedule(options: argparse.Namespace) -> Schedule:
    if options.frames is None and ':' not in options.weather:
        raise ScheduleError('how many frames? give --frames, or a number in --weather such as clear:100')
    return parse_schedule(options.weather, options.frames)


def _write(options: argparse.Namespace, schedule: Schedule) -> None:
    width, height = options.size
    values = {'town': options.town, 'seed': options.seed, 'weather': options.weather, 'fps': options.fps}
    values |= {'width': width, 'height': height}
    writer = _writer(options)
    try:
        describe(options.out, schedule, complete=False, **values)
        frames = drive(options.town, options.seed, schedule, size=options.size, fps=options.fps)
        for frame in tqdm(frames, total=schedule.frames, unit='frame', desc=options.town):
            writer.write(frame)
    finally:
        writer.close()
    describe(options.out, schedule, complete=True, **values)


def _writer(options: argparse.Namespace):
    if not options.bag:
        return PictureWriter(options.out, options.town, options.seed, options.split)
    from .bag import BagWriter  # rosbags is needed for bags only

    options.out.parent.mkdir(parents=True, exist_ok=True)
    return BagWriter(options.out, options.bag, options.depth)


def _fail(message: str) -> int:
    print(f'error: {message}', file=sys.stderr)
    return 2


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 10**6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to 999999")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.1 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate from 0.1 to 1000")
    return rate


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition('x')
    if width.isdecimal() and height.isdecimal():
        size = int(width), int(height)
        if all(low <= value <= high for low, value, high in zip(SMALLEST, size, LARGEST)):
            return size
    raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT between 64x36 and 3840x2160")


def _plain_name(text: str) -> str:
    if not text or Path(text).name != text or text in ('.', '..'):
        raise argparse.ArgumentTypeError(f"'{text}' is not a folder name")
    return text

"""How much memory a long drive takes: the same bag evaluated for its first 1,000 frames and whole. Not part of the suite.

    python -m tests.evaluation.memory_check --frames 20000 --work /tmp/long_drive
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import yaml
from rosbags.typesys import Stores, get_typestore

from uda_seg_ros.config import to_mapping

from ..online.conftest import QUICK, fog, made_bundle, scene
from ..recordings import bags

PERIOD_NS = 100_000_000
FEW = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=20_000)
    parser.add_argument('--work', type=Path, required=True, help='new folder')
    options = parser.parse_args()
    work = options.work
    work.mkdir(parents=True)
    bundle, bag = made_bundle().save(work / 'bundle'), work / 'bag'
    (work / 'quick.yaml').write_text(yaml.safe_dump(to_mapping(QUICK)))
    bags.write(bag, 'mcap', get_typestore(Stores.ROS2_JAZZY), messages(options.frames))
    size = sum(file.stat().st_size for file in bag.iterdir()) / 2**20
    for frames in (min(FEW, options.frames), options.frames):
        began, out = time.monotonic(), work / f'out_{frames}'
        duration = str((frames - 0.5) * PERIOD_NS / 1e9)
        subprocess.run([sys.executable, '-m', 'uda_seg_ros.cli', 'evaluate-bag', bag, '--bundle', bundle, '--adapt',
                        '--settings', work / 'quick.yaml', '--duration', duration, '--device', 'cpu', '--no-video',
                        '--out', out], check=True)
        summary = json.loads((out / 'summary.json').read_text())
        print(f'{summary["num_frames"]} frames of a bag of {size:.0f} MB: peak {summary["peak_memory_mb"]:.0f} MB, '
              f'{time.monotonic() - began:.0f} s, promotions: {summary["events"].get("promotion", 0)}', flush=True)


def messages(frames: int):
    """A drive that is clear for 200 frames and foggy for 600, again and again, with labels."""
    types = get_typestore(Stores.ROS2_JAZZY).types
    crops = [scene(300 + place) for place in range(40)]
    for place in range(frames):
        crop, stamp = crops[place % len(crops)], (place + 1) * PERIOD_NS
        image = crop.image if place % 800 < 200 else fog(crop.image)
        yield '/camera/image_raw', stamp, bags.image(types, stamp, image)
        yield '/camera/label', stamp, bags.image(types, stamp, crop.label)


if __name__ == '__main__':
    main()

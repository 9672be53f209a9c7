"""How much memory a long drive takes: the same bag evaluated for its first 1,000 frames and whole. Not part of the suite.

    python -m tests.evaluation.memory_check --frames 20000 --work /tmp/long_drive
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_typestore

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.online.status import AdaptationStatus, Event
from uda_seg_ros.structures import Weights

from ..online.conftest import fog, made_bundle, scene
from ..recordings import bags

PERIOD_NS = 100_000_000
FEW = 1000
SIZE = (32, 64)


class Drifting:
    """An adapter that costs nothing: every 500 frames it gives out the bundle's weights, a little changed, and tells it."""

    def __init__(self, bundle, settings, *, seed, device, size) -> None:
        self._bundle, self._frames, self.events, self.busy = bundle, 0, (), False

    def observe(self, frame) -> Weights | None:
        self._frames += 1
        if self._frames % 500:
            return None
        self.events = (*self.events, Event('promotion', frame.stamp_ns, f'after frame {self._frames}'))[-50:]
        factor = 1 + 0.01 * (self._frames // 500 % 7)
        return Weights(self._frames // 500, {name: tensor * factor if tensor.is_floating_point() else tensor
                                             for name, tensor in self._bundle.tensors.items()})

    @property
    def status(self) -> AdaptationStatus:
        return AdaptationStatus('adapt', 'told to', events=self.events)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=20_000)
    parser.add_argument('--work', type=Path, required=True, help='new folder')
    options = parser.parse_args()
    work = options.work
    work.mkdir(parents=True)
    small = dataclasses.replace(made_bundle(), preprocess=Preprocess(*SIZE, keep_aspect=False))
    bundle, bag = small.save(work / 'bundle'), work / 'bag'
    bags.write(bag, 'mcap', get_typestore(Stores.ROS2_JAZZY), messages(options.frames))
    size = sum(file.stat().st_size for file in bag.iterdir()) / 2**20
    for frames in sorted({min(FEW, options.frames), options.frames}):
        began, out = time.monotonic(), work / f'out_{frames}'
        duration = str((frames - 0.5) * PERIOD_NS / 1e9)
        subprocess.run([sys.executable, '-m', 'uda_seg_ros.cli', 'evaluate-bag', bag, '--bundle', bundle, '--adapt',
                        '--method', 'tests.evaluation.memory_check:Drifting', '--duration', duration, '--device', 'cpu',
                        '--no-video', '--out', out], check=True)
        summary = json.loads((out / 'summary.json').read_text())
        print(f'{summary["num_frames"]} frames of a bag of {size:.0f} MB: peak {summary["peak_memory_mb"]:.0f} MB, '
              f'{time.monotonic() - began:.0f} s, promotions: {summary["events"].get("promotion", 0)}', flush=True)


def messages(frames: int):
    """A drive that is clear for 200 frames and foggy for 600, again and again, with labels."""
    types = get_typestore(Stores.ROS2_JAZZY).types
    crops = [scene(300 + place) for place in range(40)]
    for place in range(frames):
        crop, stamp = crops[place % len(crops)], (place + 1) * PERIOD_NS
        image = (crop.image if place % 800 < 200 else fog(crop.image))[: SIZE[0], : SIZE[1]]
        yield '/camera/image_raw', stamp, bags.image(types, stamp, np.ascontiguousarray(image))
        yield '/camera/label', stamp, bags.image(types, stamp, np.ascontiguousarray(crop.label[: SIZE[0], : SIZE[1]]))


if __name__ == '__main__':
    main()

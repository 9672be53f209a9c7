"""How much of the engine's throughput the node keeps: `ros2 run uda_seg_ros bench_node`.

The node runs in a process of its own, over DDS. Rounds of the engine alone, while the node waits, take turns with rounds of
the node, so that other load on the machine hits both. Both segment the same pictures to masks and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import struct
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ..bundle import Bundle, BundleError, default_bundle
from ..runtime.engine import Engine, EngineError
from ..structures import Frame
from .camera import stamp_of
from .convert import to_image
from .demo.node_process import NodeError, NodeProcess, surroundings
from .qos import image_qos

START_S = 60.0
PICTURES = 4  # different ones, in turn: caches must not know the answer
IN_FLIGHT = 2  # one in work and one waiting: the node never lacks a frame, and none is overtaken
APART_S = 0.004
SILENT_S = 2.0  # so long without a mask, a frame counts as lost


@dataclass(frozen=True)
class Throughput:
    """Frames a second of each round, and the ratio of node to engine: the median over pairs of rounds."""

    network: str
    picture: str
    frames: int
    engine_fps: list[float]
    node_fps: list[float]
    lost: int
    ratio: float

    def as_text(self) -> str:
        rows = [f'{index:5} {engine:12.1f} {node:12.1f} {node / engine:8.3f}'
                for index, (engine, node) in enumerate(zip(self.engine_fps, self.node_fps), 1)]
        return '\n'.join([f'{self.network}, picture {self.picture}, {self.frames} frames a round, {self.lost} lost',
                          'round   engine fps     node fps    ratio', *rows, f'node / engine, median: {self.ratio:.3f}'])


class Driver:
    """Feeds the node so that it always has a frame to work on and one that waits. Frames are numbered by their stamps."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor, messages: list[bytes]) -> None:
        self._executor, self._messages = executor, messages
        self._sent = self._masks = self.lost = 0
        self._sent_s = self._heard_s = 0.0
        self._in_flight: list[int] = []
        self._publisher = node.create_publisher(Image, 'image', image_qos('reliable', IN_FLIGHT))
        node.create_subscription(Image, 'segmentation/mask', self._count, image_qos('reliable', 10), raw=True)

    def wait(self, process: NodeProcess) -> None:
        """Until masks come. Raises NodeError if none does."""
        deadline = time.monotonic() + START_S
        while self._masks < 5:
            process.check()
            if time.monotonic() > deadline:
                raise NodeError(f'no mask came within {START_S:.0f} s: {process.last_words()}')
            self._turn()
        self._drain()
        self.lost = 0

    def fps(self, frames: int) -> float:
        """Masks a second."""
        self._until(self._masks + IN_FLIGHT)
        begin = time.monotonic()
        self._until(self._masks + frames)
        seconds = time.monotonic() - begin
        self._drain()
        return frames / seconds

    def _until(self, masks: int) -> None:
        while self._masks < masks:
            self._turn()

    def _turn(self) -> None:
        """Send a frame if one is wanted, and listen. Never two at once: the node keeps the newest, so they would be one."""
        now = time.monotonic()
        if len(self._in_flight) < IN_FLIGHT and now - self._sent_s > APART_S:
            self._send()
        elif self._in_flight and now - max(self._sent_s, self._heard_s) > SILENT_S:
            self._forget(self._in_flight[-1])
        self._executor.spin_once(timeout_sec=APART_S if len(self._in_flight) < IN_FLIGHT else 0.1)

    def _send(self) -> None:
        self._sent += 1
        self._sent_s = time.monotonic()
        self._in_flight.append(self._sent)
        content = self._messages[self._sent % len(self._messages)]
        self._publisher.publish(content[:4] + struct.pack('<i', self._sent) + content[8:])

    def _count(self, mask: bytes) -> None:
        number = stamp_of(mask) // 10**9
        self._masks += 1
        self._heard_s = time.monotonic()
        self._forget(number - 1)
        self._in_flight = [other for other in self._in_flight if other > number]

    def _forget(self, number: int) -> None:
        """Frames up to that one will not be answered any more."""
        kept = [other for other in self._in_flight if other > number]
        self.lost += len(self._in_flight) - len(kept)
        self._in_flight = kept

    def _drain(self) -> None:
        """Wait for what is in flight, which must not run into the engine's round."""
        deadline = time.monotonic() + SILENT_S
        while self._in_flight and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.01)


def pictures(width: int, height: int) -> list[np.ndarray]:
    """HxWx3 uint8 noise, each from its own seed."""
    return [np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8) for seed in range(PICTURES)]


def engine_fps(engine: Engine, frames: list[Frame], count: int) -> float:
    """Frames a second of the engine alone, masks only, as the node asks for them."""
    engine(frames[0], confidence=False)
    begin = time.monotonic()
    for number in range(count):
        engine(frames[number % len(frames)], confidence=False)
    return count / (time.monotonic() - begin)


def measure(folder: Path, width: int, height: int, frames: int, rounds: int) -> Throughput:
    """Start the node with the bundle and measure. Raises BundleError, EngineError or NodeError."""
    bundle = Bundle.load(folder)
    engine = Engine(bundle)
    images = pictures(width, height)
    inputs = [Frame(image) for image in images]
    messages = [serialize_message(to_image(image, 'rgb8', Header())) for image in images]
    os.environ.update(surroundings())
    rclpy.init()
    node, executor = rclpy.create_node('bench_node'), SingleThreadedExecutor()
    executor.add_node(node)
    alone, through = [], []
    try:
        with tempfile.TemporaryDirectory() as log, NodeProcess({'model': str(folder.absolute())}, Path(log)) as process:
            driver = Driver(node, executor, messages)
            driver.wait(process)
            for _ in range(rounds):
                alone.append(engine_fps(engine, inputs, frames))
                through.append(driver.fps(frames))
            process.stop()
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    ratio = statistics.median(b / a for a, b in zip(alone, through))
    return Throughput(bundle.model.name, f'{width}x{height}', frames, alone, through, driver.lost, ratio)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if match is None or not 0 < int(match[1]) <= 8192 or not 0 < int(match[2]) <= 8192:
        raise argparse.ArgumentTypeError(f'{text!r} is not WxH, such as 640x480')
    return int(match[1]), int(match[2])


def main(argv: list[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 0, or 2 after one line that says what went wrong."""
    parser = argparse.ArgumentParser(prog='bench_node', description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--bundle', type=Path, default=default_bundle(), help='network to run (default: the one shipped)')
    parser.add_argument('--size', type=_size, default=(640, 480), metavar='WxH', help='of the pictures (default 640x480)')
    parser.add_argument('--frames', type=int, default=60, help='of each round (default 60)')
    parser.add_argument('--rounds', type=int, default=5, help='of engine and node in turn (default 5)')
    parser.add_argument('--json', action='store_true', help='print one JSON object instead of a table')
    arguments = parser.parse_args(argv)
    try:
        result = measure(arguments.bundle, *arguments.size, arguments.frames, arguments.rounds)
    except (BundleError, EngineError, NodeError) as error:
        print(f'bench_node: error: {error}', file=sys.stderr)
        return 2
    print(json.dumps(asdict(result)) if arguments.json else result.as_text())
    return 0


if __name__ == '__main__':
    sys.exit(main())

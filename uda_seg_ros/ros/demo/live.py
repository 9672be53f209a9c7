"""Playing a drive through the running node, and collecting what comes back."""

from __future__ import annotations

import sys
import time

import rclpy
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage, Image
from tqdm import tqdm

from .collector import Collector
from .node_process import NodeProcess
from .player import Player
from .sources import Source

READY_S = 120.0
SILENCE_S = 3.0  # after the last frame: as long as a mask may still be on its way
COMPLETE_S = 0.3  # after the last mask: its confidence follows it
BAR_S = 0.1 if sys.stderr.isatty() else 5.0  # between two states of a progress bar: a log file wants few


class PlayError(RuntimeError):
    """The drive could not be played to its end, or nothing came back. The text says why."""


def play(source: Source, node: NodeProcess, limit: int | None) -> tuple[Player, Collector]:
    """Play the drive and wait for its last mask. limit: play so many frames at most.

    Raises PlayError, NodeError, or what the source raises.
    """
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        demo, executor = rclpy.create_node('demo'), SingleThreadedExecutor()
        executor.add_node(demo)
        collector = Collector(demo)
        kind, topic = (CompressedImage, 'image/compressed') if source.compressed else (Image, 'image')
        publisher = demo.create_publisher(kind, topic, QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
        player = Player(publisher, source, limit)
        _wait_until_active(node, executor, demo, publisher)
        try:
            _collect(node, executor, player, collector, min(len(source), limit or len(source)))
        finally:
            player.stop()
        _check(node, player, collector)
    finally:
        rclpy.try_shutdown()
    return player, collector


def _wait_until_active(node: NodeProcess, executor: Executor, demo: Node, publisher: Publisher) -> None:
    """Return when the node listens to the images and its masks are listened to."""
    deadline = time.monotonic() + READY_S
    with tqdm(desc='node starts', bar_format='{desc} {elapsed}', mininterval=BAR_S) as bar:
        while not (publisher.get_subscription_count() and demo.count_publishers('segmentation/mask')):
            node.check()
            if time.monotonic() > deadline:
                raise PlayError(f'the node is not active after {READY_S:.0f} s: {node.last_words()}')
            executor.spin_once(timeout_sec=0.1)
            bar.update()


def _collect(node: NodeProcess, executor: Executor, player: Player, collector: Collector, expected: int) -> None:
    """Run until all frames are played and all masks are here, or nothing new has come for SILENCE_S."""
    player.start()
    with tqdm(total=expected or None, desc='playing', unit=' frames', mininterval=BAR_S) as bar:
        heard, heard_at = 0, time.monotonic()
        while True:
            executor.spin_once(timeout_sec=0.05)
            node.check()
            bar.set_postfix(masks=len(collector.received_ns), refresh=False)
            bar.update(len(player.sent) - bar.n)
            if player.is_alive() or len(collector.received_ns) > heard:
                heard, heard_at = len(collector.received_ns), time.monotonic()
            patience_s = COMPLETE_S if len(collector.received_ns) >= len(player.sent) else SILENCE_S
            if not player.is_alive() and time.monotonic() - heard_at > patience_s:
                break


def _check(node: NodeProcess, player: Player, collector: Collector) -> None:
    """Raise what went wrong while playing."""
    if player.error is not None:
        raise player.error
    if not player.sent:
        raise PlayError('the drive holds no frame that can be read')
    if not collector.received_ns:
        raise PlayError(f'{len(player.sent)} frames were sent and no mask came back: {node.last_words()}')

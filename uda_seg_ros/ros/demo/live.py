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
from .learning import Learning
from .node_process import NodeProcess
from .player import Player
from .playing import Playing
from .sources import Source

READY_S = 120.0
SILENCE_S = 3.0  # after the last frame: as long as a mask may still be on its way
COMPLETE_S = 0.3  # after the last mask: its confidence follows it
TOLD_S = 1.3  # after the last mask of an adapting node, which tells of its learner once a second
LEARNER_S = 60.0  # a learner that has not started by then has a computer without time for it
BAR_S = 0.1 if sys.stderr.isatty() else 5.0  # between two states of a progress bar: a log file wants few


class PlayError(RuntimeError):
    """The drive could not be played to its end, or nothing came back. The text says why."""


class NoLearner(RuntimeError):
    """The node's learner does not start, with this network say. The text says why."""


def play(source: Source, node: NodeProcess, limit: int | None, *, adapting: bool = False) -> Playing:
    """Play the drive and wait for its last mask. limit: play so many frames at most. adapting: the node has a learner.

    Raises PlayError, NodeError, NoLearner, or what the source raises.
    """
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        demo, executor = rclpy.create_node('demo'), SingleThreadedExecutor()
        executor.add_node(demo)
        collector, learning = Collector(demo), Learning(demo) if adapting else None
        kind, topic = (CompressedImage, 'image/compressed') if source.compressed else (Image, 'image')
        publisher = demo.create_publisher(kind, topic, QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
        player = Player(publisher, source, limit)
        _wait_until_active(node, executor, demo, publisher)
        if learning is not None:
            _wait_for_learner(node, executor, learning)
        try:
            _collect(node, executor, player, collector, min(len(source), limit or len(source)),
                     TOLD_S if adapting else COMPLETE_S)
        finally:
            player.stop()
        _check(node, player, collector)
        demo.destroy_node()  # or its publisher would be there still when the drive is played again
    finally:
        rclpy.try_shutdown()
    return Playing(player.sent, collector, player.late_ms, learning)


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


def _wait_for_learner(node: NodeProcess, executor: Executor, learning: Learning) -> None:
    """Return when it watches, as it does on a robot long before the weather changes; or after LEARNER_S, without it."""
    deadline = time.monotonic() + LEARNER_S
    with tqdm(desc='learner starts', bar_format='{desc} {elapsed}', mininterval=BAR_S) as bar:
        while learning.state != 'running' and time.monotonic() < deadline:
            node.check()
            if learning.state == 'failed':
                raise NoLearner(learning.text.partition('; weights version')[0])  # what follows is for who drives on
            executor.spin_once(timeout_sec=0.1)
            bar.update()
    learning.in_time = learning.state == 'running'


def _collect(node: NodeProcess, executor: Executor, player: Player, collector: Collector, expected: int,
             complete_s: float) -> None:
    """Run until all frames are played and all masks are here, and complete_s longer; or nothing came for SILENCE_S."""
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
            patience_s = complete_s if len(collector.received_ns) >= len(player.sent) else SILENCE_S
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

"""Sends or counts VGA images in a process of its own: python -m tests.ros.peer_process send|listen reliable|best_effort"""

from __future__ import annotations

import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from .node_process import picture

COUNT, RATE_HZ = 90, 30


def send(node, qos: QoSProfile) -> None:
    """COUNT images at RATE_HZ, once the node and the listener are there."""
    publisher = node.create_publisher(Image, 'image', qos)
    while publisher.get_subscription_count() < 2:
        rclpy.spin_once(node, timeout_sec=0.05)
    time.sleep(1.0)  # until the node has settled on a reliability
    images = [picture(number, 480, 640) for number in range(COUNT)]
    for number, image in enumerate(images):
        image.header.stamp.sec, image.header.stamp.nanosec = divmod(10**9 * number // RATE_HZ, 10**9)
    images = [serialize_message(image) for image in images]
    begin = time.monotonic()
    for number, image in enumerate(images):
        time.sleep(max(0.0, begin + number / RATE_HZ - time.monotonic()))
        publisher.publish(image)
    time.sleep(1.0)


def listen(node, qos: QoSProfile) -> None:
    """Print how many images came; ends 1.5 s after the last."""
    count, last = 0, 0.0

    def note(_: bytes) -> None:
        nonlocal count, last
        count, last = count + 1, time.monotonic()
    node.create_subscription(Image, 'image', note, qos, raw=True)
    while not count or time.monotonic() - last < 1.5:
        rclpy.spin_once(node, timeout_sec=0.1)
    print(count)


if __name__ == '__main__':
    rclpy.init()
    what, reliability = sys.argv[1:]
    policy = {'reliable': ReliabilityPolicy.RELIABLE, 'best_effort': ReliabilityPolicy.BEST_EFFORT}[reliability]
    {'send': send, 'listen': listen}[what](rclpy.create_node(what), QoSProfile(depth=COUNT, reliability=policy))

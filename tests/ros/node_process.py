"""The node as a process of its own, and a small peer of it in this one: the two ends of the tests over real DDS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from uda_seg_ros.ros.convert import to_image

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = 20 + os.getpid() % 80  # test processes that run at the same time do not hear each other
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


def environment(**more: str) -> dict[str, str]:
    """For a child: our domain, this computer only, one thread; without the wheels' guard, so that it finds its libraries."""
    env = {name: value for name, value in os.environ.items() if name != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    return {**env, 'ROS_DOMAIN_ID': str(DOMAIN), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', 'OMP_NUM_THREADS': '1',
            'PYTHONPATH': os.pathsep.join(filter(None, (str(ROOT), env.get('PYTHONPATH')))), **more}


class NodeProcess:
    """`segmentation_node` with parameters; its log is a file."""

    def __init__(self, log: Path, *, arguments: tuple[str, ...] = (), env: dict[str, str] | None = None,
                 **parameters: object) -> None:
        self._log = log
        given = [text for name, value in parameters.items() for text in ('-p', f'{name}:={_yaml(value)}')]
        command = [sys.executable, '-m', 'uda_seg_ros.ros.segmentation_node', '--ros-args', *given, *arguments]
        with log.open('w') as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=env or environment())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str, timeout_s: float = 60.0) -> None:
        """Until the log holds the text. Fails with the log if it does not come or the process ends."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log():
            ended = self.process.poll() is not None and text not in self.log()
            assert not ended and time.monotonic() < deadline, f'{text!r} is not in the log:\n{self.log()}'
            time.sleep(0.05)

    def end(self, number: int = signal.SIGINT, timeout_s: float = 15.0) -> int:
        """Send the signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout_s)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, (str, Path)) else str(value)


class Peer:
    """A node that publishes, subscribes and calls, with a spin that ends when something has come."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.node = rclpy.create_node('peer', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def spin_until(self, reached: Callable[[], object], timeout_s: float = 15.0) -> object:
        """What `reached` returns as soon as that is true; its last value at the timeout."""
        deadline = time.monotonic() + timeout_s
        while not (result := reached()) and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.02)
        return result

    def spin_for(self, seconds: float) -> None:
        self.spin_until(lambda: False, seconds)

    def feed(self, publish: Callable[[], object], reached: Callable[[], object], every_s: float = 0.1,
             timeout_s: float = 30.0) -> object:
        """Publish again and again (some may come before there is a listener) until it is so; what `reached` returned."""
        deadline = time.monotonic() + timeout_s
        while True:
            publish()
            result = self.spin_until(reached, every_s)
            if result or time.monotonic() > deadline:
                return result

    def collect(self, kind: type, topic: str, qos: QoSProfile | int = 5) -> list:
        """A list that fills with the topic's messages."""
        messages: list = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def publisher(self, kind: type, topic: str, qos: QoSProfile | int = 5):
        """A publisher that somebody listens to already, and whose listener has settled on a reliability."""
        publisher = self.node.create_publisher(kind, topic, qos)
        assert self.spin_until(lambda: publisher.get_subscription_count() > 0), f'nobody subscribes to {topic}'
        self.spin_for(0.6)
        return publisher

    def answer(self, publisher, message, replies: list, timeout_s: float = 10.0) -> object:
        """Publish until a reply with the message's stamp comes (outputs may be matched a moment later); the reply."""
        def reply() -> object:
            return next((other for other in replies if other.header.stamp == message.header.stamp), None)
        for _ in range(int(timeout_s)):
            publisher.publish(message)
            if self.spin_until(reply, 1.0):
                break
        return reply()

    def call(self, kind: type, service: str, request: object, timeout_s: float = 10.0) -> object:
        client = self.node.create_client(kind, service)
        assert client.wait_for_service(timeout_s), f'no service {service}'
        future = client.call_async(request)
        self.spin_until(future.done, timeout_s)
        self.node.destroy_client(client)
        return future.result()


def picture(number: int = 0, height: int = 48, width: int = 64, encoding: str = 'rgb8', frame_id: str = 'camera') -> Image:
    """A noisy image whose stamp tells its number."""
    shape = (height, width) if encoding == 'mono8' else (height, width, 3)
    pixels = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
    return to_image(pixels, encoding, header(number, frame_id))


def header(number: int = 0, frame_id: str = 'camera') -> Header:
    result = Header(frame_id=frame_id)
    result.stamp.sec, result.stamp.nanosec = 1000 + number, number
    return result

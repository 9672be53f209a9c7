"""One camera: its subscriptions, the newest frame nobody has taken yet, and what became of the others.

The executor's thread only stores: frames stay serialised until the worker wants one, so that a frame which is overtaken
costs next to nothing. Subscriptions are made and destroyed in the executor's thread alone, as rclpy demands.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ..runtime.slot import Slot
from .parameters import Parameters
from .qos import describe, image_qos, input_reliability, subscription_events
from .rates import Durations, Rate, Spacing

TYPES = {'raw': (Image, 'sensor_msgs/msg/Image'), 'compressed': (CompressedImage, 'sensor_msgs/msg/CompressedImage')}
SILENCE_S = 5.0


@dataclass(frozen=True)
class Arrival:
    """A serialised message. received_ns: monotonic clock."""

    content: bytes
    stamp_ns: int
    received_ns: int


def stamp_of(content: bytes) -> int:
    """Nanoseconds of the header that a serialised (CDR) message begins with; 0 if there is none."""
    if len(content) < 12:
        return 0
    seconds, nanoseconds = struct.unpack_from('<iI' if content[1] & 1 else '>iI', content, 4)
    return seconds * 1_000_000_000 + nanoseconds


def resolve(node: Node, name: str, otherwise: str) -> str:
    """The full topic of `name` where the user remapped it, else `otherwise`."""
    resolved = node.resolve_topic_name(name)
    return otherwise if resolved == expand_topic_name(name, node.get_name(), node.get_namespace()) else resolved


def input_topics(node: Node, prefix: str, transport: str) -> tuple[str, str]:
    """Full topics of images and camera info. Info and compressed images are siblings of the *remapped* image topic."""
    image = node.resolve_topic_name(f'{prefix}image')
    info = resolve(node, f'{prefix}camera_info', f'{image.removesuffix("/compressed").rpartition("/")[0]}/camera_info')
    if transport == 'compressed' and not image.endswith('/compressed'):
        image = resolve(node, f'{prefix}image/compressed', f'{image}/compressed')
    return image, info


class Camera:
    """One camera, from subscription to the slot that the worker takes from.

    name: '' if there is one only. wake: called when a frame has been stored. Counters: received, too_old, errors, and
    slot.dropped (overtaken by a newer one), spacing.lost (in transport).
    """

    def __init__(self, node: Node, name: str, parameters: Parameters, wake: Callable[[], None]) -> None:
        self.name = name
        self.label = name or 'camera'
        self.info: CameraInfo | None = None
        self.received = self.too_old = self.errors = 0
        self.last_error, self.last_error_ns, self.only_damaged = '', 0, False
        self.rate, self.spacing, self.age_ms = Rate(), Spacing(), Durations()
        self.slot: Slot[Arrival] = Slot()
        self.waiting_since_ns: int | None = None
        self.served_ns = 0
        self._node, self._parameters, self._wake = node, parameters, wake
        self.message_type, self._type_name = TYPES[parameters['image_transport']]
        self.topic, self.info_topic = input_topics(node, f'{name}/' if name else '', parameters['image_transport'])
        self._subscriptions: list[Subscription] = []
        self._reliability = ''
        self._silent_since_ns, self._warned = 0, ''

    def subscribe(self) -> None:
        """Listen to images and camera info."""
        self._silent_since_ns = time.monotonic_ns()
        self._reliability = self._wanted_reliability()
        self._listen()

    def unsubscribe(self) -> None:
        """Stop listening and forget the frame that waits."""
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())
        self.take()

    def take(self) -> Arrival | None:
        """The newest frame, once. Called by the worker."""
        self.waiting_since_ns = None
        return self.slot.take(timeout=0)

    def fail(self, reason: str, only_damaged: bool) -> None:
        """Count a frame that could not be used. only_damaged: the next one may well be fine."""
        self.errors += 1
        self.last_error, self.last_error_ns, self.only_damaged = reason, time.monotonic_ns(), only_damaged

    def watch(self) -> None:
        """Look at the graph, now and then: publishers whose reliability differs, and silence."""
        if not self._subscriptions:
            return
        wanted = self._wanted_reliability()
        if wanted != self._reliability:
            self._reliability = wanted
            self._node.get_logger().info(f'{self.topic}: subscribing as {wanted}, as its publishers offer')
            self._node.destroy_subscription(self._subscriptions.pop(0))
            self._listen()
        if time.monotonic_ns() - self._silent_since_ns > SILENCE_S * 1e9:
            self._warn_of_silence()

    def _listen(self) -> None:
        """Make the subscriptions that are missing; that of images is the first."""
        events = subscription_events(self._node, self.topic, 'set input_reliability:=best_effort')
        qos = image_qos(self._reliability, self._parameters['queue_depth'])
        self._subscriptions.insert(0, self._node.create_subscription(
            self.message_type, self.topic, self._store, qos, event_callbacks=events, raw=True))
        if len(self._subscriptions) == 1:
            self._subscriptions.append(self._node.create_subscription(
                CameraInfo, self.info_topic, self._store_info, image_qos('best_effort', 1)))

    def _store(self, content: bytes) -> None:
        now_ns = time.monotonic_ns()
        arrival = Arrival(content, stamp_of(content), now_ns)
        self.received += 1
        self.rate.tick(now_ns)
        self._silent_since_ns, self._warned = now_ns, ''
        if not self.spacing.add(arrival.stamp_ns):
            self._node.get_logger().info(f'{self.topic}: stamps went back (a bag that loops?); going on from there')
            self.age_ms.clear()
            self.take()
        self.slot.put(arrival)
        # Since when it waits to be served, not how old its newest frame is: by age, a fast camera could starve the others.
        if self.waiting_since_ns is None:
            self.waiting_since_ns = now_ns
        self._wake()

    def _store_info(self, info: CameraInfo) -> None:
        self.info = info

    def _wanted_reliability(self) -> str:
        """What fits the publishers; without any, what it is now."""
        offered = [endpoint.qos_profile.reliability for endpoint in self._node.get_publishers_info_by_topic(self.topic)
                   if endpoint.topic_type == self._type_name]
        if not offered and self._reliability:
            return self._reliability
        return input_reliability(self._parameters['input_reliability'], offered)

    def _warn_of_silence(self) -> None:
        publishers = describe(self._node.get_publishers_info_by_topic(self.topic))
        text = (f'no image on {self.topic} for {SILENCE_S:.0f} s: {publishers}; '
                f'this node asks for {self._type_name}, {self._reliability}, volatile')
        others = [f'{topic} ({kind})' for topic, kinds in self._node.get_topic_names_and_types() for kind in kinds
                  if kind in (TYPES['raw'][1], TYPES['compressed'][1]) and '/segmentation/' not in topic
                  and topic != self.topic and self._node.count_publishers(topic)]
        if others:
            text += f'; images are offered on {", ".join(others)}: remap `image` or set image_transport'
        if text != self._warned:
            self._warned = text
            self._node.get_logger().warning(text)

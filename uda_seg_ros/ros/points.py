"""Labelled point clouds: clouds of a depth camera or a lidar in, segmentation/points out. Only where points.topic is set.

The executor's thread stores clouds as they come; the worker pairs them with masks and labels them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, PointCloud2

from ..labels import LabelSpace
from ..points.labelling import by_pixel, by_projection, organised_as
from ..points.pairing import Pairing
from ..points.projection import ProjectionError
from ..points.rigid import IDENTITY, Rigid, parse_rigid
from ..structures import Segmentation
from .camera import SILENCE_S, Camera, stamp_of
from .camera_info import projection_of
from .clouds import CloudError, read_xyz, to_cloud
from .frames import FrameError, Frames
from .outputs import create_output
from .parameters import Parameters
from .qos import describe, image_qos, input_reliability, subscription_events
from .rates import Rate
from .throttle import ThrottledLog

TYPE_NAME = 'sensor_msgs/msg/PointCloud2'


@dataclass(frozen=True, eq=False)
class View:
    """A segmented picture. size: (height, width) of the picture, which may differ from the mask's."""

    segmentation: Segmentation
    frame_id: str
    size: tuple[int, int]
    info: CameraInfo | None


class Points:
    """The clouds of one camera. Made, watched and closed in the executor's thread; all else is the worker's.

    wake: called when a cloud has been stored. Counters: received, failures, and `unmatched`.
    """

    def __init__(self, node: Node, camera: Camera, parameters: Parameters, labels: LabelSpace, frames: Frames,
                 wake: Callable[[], None]) -> None:
        self.topic = node.resolve_topic_name(parameters['points.topic'].replace('{camera}', camera.name))
        self.rate = Rate()
        self.received = self.failures = 0
        self.last_failure, self.last_failure_ns = '', 0
        self._node, self._camera, self._parameters, self._frames, self._wake = node, camera, parameters, frames, wake
        self._palette = labels.palette()
        text = parameters['points.extrinsics']
        self._extrinsics = parse_rigid(text) if text else None
        self._pairing: Pairing[bytes, View] = Pairing()
        self._log, self._watch_log = ThrottledLog(node), ThrottledLog(node)  # the worker's, and the executor's
        self._lock = threading.Lock()  # the publisher must not vanish while the worker publishes
        self._publisher = create_output(node, f'{camera.name}/segmentation/points'.lstrip('/'), PointCloud2, parameters)
        self._subscription: Subscription | None = None
        self._reliability = ''
        self._silent_since_ns = self._unpaired_since_ns = 0

    @property
    def unmatched(self) -> int:
        """Clouds without an image within the tolerance, overtaken ones among them."""
        return self._pairing.unmatched

    def wanted(self) -> bool:
        """Whether somebody subscribes, or the node is not lazy."""
        return not self._parameters['lazy'] or self._publisher.get_subscription_count() > 0

    def watch(self) -> None:
        """Subscribe while the points are wanted, as their publishers offer; tell of silence. To be called now and then."""
        wanted = self._wanted_reliability() if self.wanted() else ''
        if wanted != self._reliability:
            self.unsubscribe()
            self._reliability = wanted
            if wanted:
                self._subscribe()
        now_ns = time.monotonic_ns()
        if self._reliability and now_ns - self._silent_since_ns > SILENCE_S * 1e9:
            publishers = describe(self._node.get_publishers_info_by_topic(self.topic))
            self._fail(f'no point cloud on {self.topic} for {SILENCE_S:.0f} s: {publishers}; this node asks for '
                       f'{TYPE_NAME}, {self._reliability}, volatile', self._watch_log)
        elif self._reliability and now_ns - self._unpaired_since_ns > SILENCE_S * 1e9:
            self._tell_of_distance()

    def unsubscribe(self) -> None:
        """Stop listening and forget what waits."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription, self._reliability = None, ''
        self._pairing.clear()

    def close(self) -> None:
        self.unsubscribe()
        with self._lock:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None

    def expect(self, stamp_ns: int) -> None:
        """A picture goes into the network."""
        self._pairing.expect(stamp_ns)

    def add(self, stamp_ns: int, segmentation: Segmentation, frame_id: str, size: tuple[int, int]) -> None:
        """A picture has been segmented, which was of that size (height, width)."""
        self._pairing.add_mask(stamp_ns, View(segmentation, frame_id, size, self._camera.info))

    def serve(self) -> bool:
        """Label and publish the newest cloud that has a mask. False if there is none."""
        pair = self._pairing.take(self._parameters['points.tolerance'] * 1e9)
        if pair is None:
            return False
        self._unpaired_since_ns = time.monotonic_ns()
        try:
            message = self._labelled(deserialize_message(pair[0], PointCloud2), pair[1])
        except (CloudError, ProjectionError, FrameError) as error:
            self._fail(f'{self.topic}: cloud not labelled: {error}', self._log)
            return True
        with self._lock:
            if message is not None and self._publisher is not None:
                self._publisher.publish(message)
                self.rate.tick(time.monotonic_ns())
        return True

    def _labelled(self, cloud: PointCloud2, view: View) -> PointCloud2 | None:
        """None if it is too early to know where the sensor is. Raises CloudError, ProjectionError or FrameError."""
        points, mask, sure = read_xyz(cloud), view.segmentation.mask, view.segmentation.confidence
        if organised_as(cloud.height, cloud.width, view.size) and cloud.header.frame_id == view.frame_id:
            label, confidence = by_pixel(points, cloud.height, cloud.width, mask, sure)
        else:
            if view.info is None:
                raise ProjectionError(f'points cannot be projected from the frame {cloud.header.frame_id!r} into '
                                      f'{view.frame_id!r}: no camera info on {self._camera.info_topic}; publish it, or '
                                      'remap camera_info (launch: camera_info_topic:=)')
            rectified = 'rect' in self._camera.topic.removesuffix('/compressed').rpartition('/')[2]
            projection = projection_of(view.info, *view.size, rectified)
            rigid = self._place_of(cloud, view)
            if rigid is None:
                return None
            label, confidence = by_projection(rigid(points), projection, mask, sure)
        colors = self._palette[label]
        return to_cloud(cloud.header, cloud.height, cloud.width, points, colors, label, confidence)

    def _place_of(self, cloud: PointCloud2, view: View) -> Rigid | None:
        """From the cloud's frame into the camera's."""
        if self._extrinsics is not None:
            return self._extrinsics
        if cloud.header.frame_id == view.frame_id:
            return IDENTITY
        return self._frames.lookup(view.frame_id, cloud.header.frame_id, cloud.header.stamp)

    def _subscribe(self) -> None:
        self._silent_since_ns = self._unpaired_since_ns = time.monotonic_ns()
        events = subscription_events(self._node, self.topic, 'set input_reliability:=best_effort')
        qos = image_qos(self._reliability, self._parameters['queue_depth'])
        self._subscription = self._node.create_subscription(
            PointCloud2, self.topic, self._store, qos, event_callbacks=events, raw=True)

    def _store(self, content: bytes) -> None:
        self.received += 1
        self._silent_since_ns = time.monotonic_ns()
        self._pairing.add_cloud(stamp_of(content), content)
        self._wake()

    def _wanted_reliability(self) -> str:
        """What fits the publishers; without any, what it is now."""
        offered = [endpoint.qos_profile.reliability for endpoint in self._node.get_publishers_info_by_topic(self.topic)
                   if endpoint.topic_type == TYPE_NAME]
        if not offered and self._reliability:
            return self._reliability
        return input_reliability(self._parameters['input_reliability'], offered)

    def _tell_of_distance(self) -> None:
        """Clouds come and images come, and no two fit."""
        distance_ns = self._pairing.nearest_ns
        if distance_ns is not None:
            self._fail(f'{self.topic}: no cloud fits an image: the nearest stamps differ by {distance_ns / 1e9:.3f} s, and '
                       f'points.tolerance is {self._parameters["points.tolerance"]} s; raise it, or bring the clocks of '
                       'the sensors together', self._watch_log)

    def _fail(self, reason: str, log: ThrottledLog) -> None:
        self.failures += 1
        self.last_failure, self.last_failure_ns = reason, time.monotonic_ns()
        log(reason, warning=True)

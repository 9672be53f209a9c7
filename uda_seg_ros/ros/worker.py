"""The thread that segments: takes the newest frames of the cameras, runs the engine, publishes what is wanted."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ..runtime.engine import Engine, EngineOutOfMemory
from ..structures import Frame, Segmentation
from .camera import Arrival, Camera
from .convert import SUPPORTED_ENCODINGS, ConversionError, DamagedPicture, compressed_to_rgb, encoding_advice, image_to_rgb
from .debug_times import DebugTimes
from .outputs import Outputs
from .parameters import Parameters
from .rates import Durations, Rate
from .serialized import ImageView, read_image
from .throttle import ThrottledLog

if TYPE_CHECKING:
    from .points import Points


@dataclass(frozen=True)
class Lane:
    """A camera and where its segmentations go. points: None where no clouds are to be labelled."""

    camera: Camera
    outputs: Outputs
    points: Points | None = None

    def wanted(self) -> frozenset[str]:
        """What somebody subscribes to, 'points' among them."""
        points = {'points'} if self.points is not None and self.points.wanted() else ()
        return self.outputs.wanted().union(points)


@dataclass(frozen=True, eq=False)
class Job:
    """One decoded frame on its way through the worker."""

    lane: Lane
    arrival: Arrival
    header: Header
    frame: Frame
    wanted: frozenset[str]


def _decode(content: bytes, kind: type) -> tuple[Image | ImageView | CompressedImage, np.ndarray]:
    """The message, and its picture as HxWx3 uint8 RGB. Raises ConversionError."""
    if kind is Image:
        message = read_image(content)
        if message.encoding not in SUPPORTED_ENCODINGS:
            message = deserialize_message(content, Image)  # cv_bridge may read it, and wants a real message
        return message, image_to_rgb(message)
    message = deserialize_message(content, CompressedImage)
    return message, compressed_to_rgb(message)


class Worker:
    """Serves the camera that has waited longest first, up to max_batch cameras at a time. Owns the engine's settings.

    segment: the engine's batch, or that of whoever has a learner beside the engine. wake: set when a frame has arrived.
    make_room: called when a frame finds no memory, before it is tried again. enabled: while false, frames are taken and
    dropped.
    """

    def __init__(self, node: Node, engine: Engine, segment: Callable[..., list[Segmentation]], lanes: list[Lane],
                 parameters: Parameters, times: DebugTimes, wake: threading.Event,
                 make_room: Callable[[], None]) -> None:
        self.enabled = True
        self.rate, self.inference_ms, self.latency_ms = Rate(), Durations(), Durations()
        self.failures = 0
        self.last_failure, self.last_failure_ns = '', 0
        self._node, self._engine, self._segment, self._lanes = node, engine, segment, lanes
        self._parameters, self._times, self._wake = parameters, times, wake
        self._make_room = make_room
        self._log = ThrottledLog(node)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._encodings: dict[str, str] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name='segmentation', daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Finish the frame in work and end. False if that takes longer than the timeout."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()  # before looking: a frame that comes from now on sets it again
            lanes, pause_s = self._next()
            try:
                busy = sum(lane.points.serve() for lane in self._lanes if lane.points is not None)
                self._serve(lanes)
            except Exception:
                busy = True
                self._fail(f'a frame was dropped, unforeseen:\n{traceback.format_exc()}')
            if not lanes and not busy:
                self._wake.wait(pause_s)

    def _next(self) -> tuple[list[Lane], float | None]:
        """The lanes to serve now; if there are none, the seconds until a waiting one may be served (None: none waits)."""
        now_ns, rate = time.monotonic_ns(), self._parameters['max_rate']
        waiting = [(lane.camera.waiting_since_ns, lane) for lane in self._lanes]
        waiting = sorted(((since, lane) for since, lane in waiting if since is not None), key=lambda pair: pair[0])
        due = {lane.camera.name: lane.camera.served_ns + (1e9 / rate if rate else 0) for _, lane in waiting}
        ready = [lane for _, lane in waiting if due[lane.camera.name] <= now_ns]
        pause_s = (min(due.values()) - now_ns) / 1e9 if due else None
        return ready[: self._parameters['max_batch']], pause_s

    def _serve(self, lanes: list[Lane]) -> None:
        started_ns = time.monotonic_ns()
        jobs = [job for job in map(self._take, lanes) if job is not None]
        if not jobs:
            return
        for job, segmentation in zip(jobs, self._answers(jobs)):
            if segmentation is not None:
                self._publish(job, segmentation, started_ns)

    def _take(self, lane: Lane) -> Job | None:
        """The camera's newest frame, decoded; None if nobody wants it, it is too old or cannot be read."""
        camera = lane.camera
        arrival = camera.take()
        wanted = lane.wanted()
        if arrival is None or not self.enabled or not wanted or self._too_old(camera, arrival):
            return None
        camera.served_ns = time.monotonic_ns()
        if 'points' in wanted:
            lane.points.expect(arrival.stamp_ns)
        try:
            message, image = _decode(arrival.content, camera.message_type)
        except ConversionError as error:
            damaged = isinstance(error, DamagedPicture)
            camera.fail(str(error), damaged)
            self._log(f'{camera.topic}: frame dropped: {error}', warning=damaged)
            return None
        self._note(camera, image.shape[:2], getattr(message, 'encoding', ''))
        stamp_ns = arrival.stamp_ns or arrival.received_ns  # left at 0: time must not stand still for a learner
        return Job(lane, arrival, message.header, Frame(image, stamp_ns, camera.name), wanted)

    def _too_old(self, camera: Camera, arrival: Arrival) -> bool:
        """Whether the frame is older than max_age. Without a clock (simulated time before its first tick) nothing is."""
        now_ns = self._node.get_clock().now().nanoseconds
        if now_ns == 0:
            return False
        age_s = (now_ns - arrival.stamp_ns) / 1e9
        camera.age_ms.add(age_s * 1e3)
        too_old = 0 < self._parameters['max_age'] < age_s
        camera.too_old += too_old
        return too_old

    def _note(self, camera: Camera, size: tuple[int, int], encoding: str) -> None:
        """Tell of a new resolution, and of an encoding that may not hold pictures."""
        if self._encodings.get(camera.name) != encoding:
            self._encodings[camera.name] = encoding
            if advice := encoding_advice(encoding):
                self._node.get_logger().warning(f'{camera.topic}: {advice}')
        last = self._sizes.setdefault(camera.name, size)
        if size != last:
            self._sizes[camera.name] = size
            change = f'from {last[1]}x{last[0]} to {size[1]}x{size[0]}'
            self._node.get_logger().info(f'{camera.topic}: resolution changed {change}')

    def _answers(self, jobs: list[Job]) -> list[Segmentation | None]:
        """One answer a job. Where memory is short the frames go one by one, once; what still fails is dropped."""
        self._engine.threshold = self._parameters['threshold']
        self._engine.output_size = self._parameters['output_size']
        want = {'confidence': any(job.wanted & {'confidence', 'points'} for job in jobs),
                'entropy': any('entropy' in job.wanted for job in jobs)}
        started_ns = time.monotonic_ns()
        try:
            answers = self._segment([job.frame for job in jobs], **want)
        except EngineOutOfMemory:
            self._make_room()
            answers = [self._retry(job, want) for job in jobs]
        self.inference_ms.add((time.monotonic_ns() - started_ns) / 1e6)
        return answers

    def _retry(self, job: Job, want: dict[str, bool]) -> Segmentation | None:
        try:
            return self._segment([job.frame], **want)[0]
        except EngineOutOfMemory as error:
            self._fail(f'{job.lane.camera.topic}: frame dropped: {error}')
            return None

    def _publish(self, job: Job, segmentation: Segmentation, started_ns: int) -> None:
        job.lane.outputs.publish(job.wanted, job.frame.image, segmentation, job.header, job.lane.camera.info)
        if 'points' in job.wanted:
            job.lane.points.add(job.arrival.stamp_ns, segmentation, job.header.frame_id, job.frame.image.shape[:2])
        now_ns = time.monotonic_ns()
        self.rate.tick(now_ns)
        latency_ms = (now_ns - job.arrival.received_ns) / 1e6
        self.latency_ms.add(latency_ms)
        self._times.publish((now_ns - started_ns) / 1e6, latency_ms)

    def _fail(self, reason: str) -> None:
        if self._stopping or not self._node.context.ok():
            return  # on the way out publishers vanish under the worker
        self.failures += 1
        self.last_failure, self.last_failure_ns = reason.splitlines()[-1], time.monotonic_ns()
        self._log(reason)

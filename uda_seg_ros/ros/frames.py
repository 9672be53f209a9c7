"""Where the frames of sensors lie, as TF tells: asked for when it is first needed, for listening to it costs time."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time as Stamp
from rclpy.node import Node
from rclpy.time import Time

from ..points.rigid import Rigid, from_quaternion

PATIENCE_S = 2.0  # after listening began: static transforms come when the publisher is matched
MISSING = ('tf2_ros is not installed (apt install ros-$ROS_DISTRO-tf2-ros-py); without it the parameter points.extrinsics '
           'has to say where the sensor is')


class FrameError(Exception):
    """A frame's place is not known. The text says what to do."""


class Frames:
    """start() and stop() in the executor's thread, lookup() in any. One listener serves all cameras."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._wanted = False
        self._buffer = self._listener = None
        self._since_s = 0.0

    def watch(self) -> None:
        """Begin to listen if somebody has asked. To be called now and then."""
        if not self._wanted or self._listener is not None:
            return
        try:
            from tf2_ros import Buffer, TransformListener
        except ImportError:
            return
        self._since_s = time.monotonic()
        self._buffer = Buffer()
        self._listener = TransformListener(self._buffer, self._node)

    def stop(self) -> None:
        """Stop listening, until somebody asks again."""
        listener, self._listener, self._buffer, self._wanted = self._listener, None, None, False
        if listener is not None:
            listener.unregister()

    def lookup(self, target: str, source: str, stamp: Stamp) -> Rigid | None:
        """What carries points from the frame `source` into `target`, at the stamp or, where TF is not that far, the latest.

        None if it is too early to tell. Raises FrameError.
        """
        self._wanted = True
        try:
            import tf2_ros
        except ImportError as error:
            raise FrameError(f'no transform from {source!r} to {target!r}: {MISSING}') from error
        buffer = self._buffer
        if buffer is None:
            return None
        at = Time.from_msg(stamp)
        try:
            found = buffer.lookup_transform(target, source, at if buffer.can_transform(target, source, at) else Time())
        except tf2_ros.TransformException as error:
            if time.monotonic() - self._since_s < PATIENCE_S:
                return None
            raise FrameError(f'no transform from {source!r} to {target!r}: {error}; publish it '
                             '(static_transform_publisher), or set the parameter points.extrinsics') from error
        shift, turn = found.transform.translation, found.transform.rotation
        return from_quaternion((shift.x, shift.y, shift.z), (turn.x, turn.y, turn.z, turn.w))

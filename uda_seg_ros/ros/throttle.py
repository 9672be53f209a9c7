"""A log for what would come with every frame: the same text, but for its numbers, at most every THROTTLE_S."""

from __future__ import annotations

import re
import time

from rclpy.node import Node

THROTTLE_S = 5.0
KINDS_REMEMBERED = 100  # of messages


class ThrottledLog:
    """To be used in one thread."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._logged_ns: dict[str, int] = {}

    def __call__(self, text: str, warning: bool = False) -> None:
        """Log an error, or a warning."""
        now_ns, what = time.monotonic_ns(), re.sub(r'\d+', '', text)
        if now_ns - self._logged_ns.get(what, -10**12) > THROTTLE_S * 1e9:
            if len(self._logged_ns) >= KINDS_REMEMBERED:
                self._logged_ns.clear()
            self._logged_ns[what] = now_ns
            if warning:  # two calls: rclpy holds a place in the code to one severity
                self._node.get_logger().warning(text)
            else:
                self._node.get_logger().error(text)

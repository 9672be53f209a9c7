"""How long a frame took, as numbers to plot: ~/debug/processing_time_ms and ~/debug/pipeline_latency_ms."""

from __future__ import annotations

from rclpy.node import Node
from std_msgs.msg import Float32

from .qos import image_qos


class DebugTimes:
    """processing_time_ms: of the worker, for the frame. pipeline_latency_ms: from arrival to the published mask."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publishers = [node.create_publisher(Float32, f'~/debug/{name}', image_qos('best_effort', 1))
                            for name in ('processing_time_ms', 'pipeline_latency_ms')]

    def publish(self, *times_ms: float) -> None:
        for publisher, time_ms in zip(self._publishers, times_ms):
            if publisher.get_subscription_count() > 0:
                publisher.publish(Float32(data=time_ms))

    def close(self) -> None:
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())

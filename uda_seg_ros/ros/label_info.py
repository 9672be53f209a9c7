"""Class names for machines: vision_msgs/LabelInfo and VisionInfo beside the masks, latched."""

from __future__ import annotations

import time

from rclpy.node import Node

from ..labels import LabelSpace
from .qos import LATCHED

try:
    from vision_msgs.msg import LabelInfo, VisionClass, VisionInfo
except ImportError:
    LabelInfo = None

MISSING = ('vision_msgs is not installed: no segmentation/label_info and vision_info, so subscribers do not learn the class '
           'names (Nav2 drops masks without them); everything else works. Mend it with: '
           'apt install ros-$ROS_DISTRO-vision-msgs')


class ClassNames:
    """Publishes the class names of one camera's masks, and which version of the weights made them.

    prefix: '' or '<camera>/'. Does nothing where vision_msgs is missing.
    """

    def __init__(self, node: Node, prefix: str, labels: LabelSpace, method: str, location: str) -> None:
        self._node, self._labels, self._method, self._location = node, labels, method, location
        self._published_ns, self._version = 0, None
        self._publishers = []
        if LabelInfo is not None:
            self._publishers = [node.create_publisher(kind, f'{prefix}segmentation/{name}', LATCHED)
                                for kind, name in ((LabelInfo, 'label_info'), (VisionInfo, 'vision_info'))]

    def publish(self, threshold: float, weights_version: int) -> None:
        """Both messages; the vision info only if the weights are others than last time."""
        if not self._publishers:
            return
        classes = [VisionClass(class_id=train_id, class_name=name) for train_id, name in enumerate(self._labels.names)]
        label_info = LabelInfo(class_map=classes, threshold=threshold)
        label_info.header.stamp = self._node.get_clock().now().to_msg()
        self._publishers[0].publish(label_info)
        self._published_ns = time.monotonic_ns()
        if weights_version != self._version:
            self._version = weights_version
            vision_info = VisionInfo(method=self._method, database_location=self._location, database_version=weights_version)
            vision_info.header.stamp = label_info.header.stamp
            self._publishers[1].publish(vision_info)

    def repeat(self, period_s: float, threshold: float, weights_version: int) -> None:
        """Publish again if the period (0: never) is over or the weights have changed. To be called now and then."""
        over = period_s > 0 and time.monotonic_ns() - self._published_ns >= period_s * 1e9
        if over or weights_version != self._version:
            self.publish(threshold, weights_version)

    def close(self) -> None:
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())

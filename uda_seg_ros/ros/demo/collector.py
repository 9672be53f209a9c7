"""Collects what the node publishes, by the stamp of the frame it belongs to."""

from __future__ import annotations

import time
from dataclasses import InitVar, dataclass, field

import cv2
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from ..convert import image_to_mask
from .sources import stamp_of

# Deep enough that the demo itself never loses a mask: what counts as dropped was dropped by the node or in transport.
QOS = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)


@dataclass
class Collector:
    """Masks and confidences of a drive.

    received_ns: when the mask of a stamp arrived (monotonic clock). confidence: mean in percent, by stamp.
    """

    node: InitVar[Node]
    received_ns: dict[int, int] = field(default_factory=dict)
    confidence: dict[int, float] = field(default_factory=dict)
    _masks: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self, node: Node) -> None:
        node.create_subscription(Image, 'segmentation/mask', self._on_mask, QOS)
        node.create_subscription(Image, 'segmentation/confidence', self._on_confidence, QOS)

    def _on_mask(self, message: Image) -> None:
        now_ns, stamp_ns = time.monotonic_ns(), stamp_of(message)
        if stamp_ns not in self.received_ns:
            self.received_ns[stamp_ns] = now_ns
            # Packed, a long drive fits into memory: a mask is a hundredth of its size then.
            self._masks[stamp_ns] = cv2.imencode('.png', image_to_mask(message), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]

    def _on_confidence(self, message: Image) -> None:
        self.confidence[stamp_of(message)] = float(image_to_mask(message).mean()) / 2.55

    def mask(self, stamp_ns: int) -> np.ndarray | None:
        """HxW uint8 train ids of the frame with this stamp, None if no mask came."""
        packed = self._masks.get(stamp_ns)
        return None if packed is None else cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)

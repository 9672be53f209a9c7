"""What the node tells of its learner while a drive is played: its state, what it did in words, which weights were served."""

from __future__ import annotations

import time
from dataclasses import InitVar, dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.msg import Log
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from .. import label_info
from ..qos import LATCHED

STATUS = '/segmentation_node/adaptation/status'
LOG_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TOLD = 'adaptation: '  # what the node logs of the learner reads 'adaptation: <kind>: <text>'
TOLD_LATE_NS = 1_500_000_000  # events are told once a second, weights within 0.2 s
CHANGING = ('promotion', 'rollback', 'return')  # events that change what is served


@dataclass
class Learning:
    """Times are of the monotonic clock, in ns, when it was heard.

    state: warming, running, failed ... text: why it does or does not adapt now. values: the rest of the last status.
    in_time: whether it watched when the drive began.
    versions: (time, version) of the weights served, counted up from 0, the frozen network. happened: (time, kind, text).
    """

    node: InitVar[Node]
    state: str = ''
    text: str = ''
    in_time: bool = True
    values: dict[str, str] = field(default_factory=dict)
    versions: list[tuple[int, int]] = field(default_factory=list)
    happened: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self, node: Node) -> None:
        node.create_subscription(DiagnosticStatus, STATUS, self._on_status, 10)
        node.create_subscription(Log, '/rosout', self._on_log, LOG_QOS)
        if label_info.LabelInfo is not None:
            node.create_subscription(label_info.VisionInfo, 'segmentation/vision_info', self._on_vision_info, LATCHED)

    def _on_status(self, message: DiagnosticStatus) -> None:
        self.text = message.message
        self.values = {pair.key: pair.value for pair in message.values}
        self.state = self.values.get('state', '')
        self._serves(int(self.values.get('weights version') or 0))

    def _on_vision_info(self, message: object) -> None:
        self._serves(message.database_version)

    def _serves(self, version: int) -> None:
        """Versions only grow: of two topics, the slower one tells nothing new."""
        if version > (self.versions[-1][1] if self.versions else 0):
            self.versions.append((time.monotonic_ns(), version))

    def _on_log(self, message: Log) -> None:
        if message.msg.startswith(TOLD):
            kind, _, text = message.msg.removeprefix(TOLD).partition(': ')
            self.happened.append((time.monotonic_ns(), kind, text))

    def version_at(self, time_ns: int) -> int:
        """Of the weights that were served then."""
        return max((version for since_ns, version in self.versions if since_ns <= time_ns), default=0)

    def events(self) -> list[tuple[int, str, str]]:
        """What happened; a change of what is served at the time of its weights, which are told sooner than it is."""
        found, free = [], [since_ns for since_ns, _ in self.versions]
        for time_ns, kind, text in self.happened:
            if kind in CHANGING:
                near = [since_ns for since_ns in free if 0 <= time_ns - since_ns < TOLD_LATE_NS]
                time_ns = near[0] if near else time_ns
                free = [since_ns for since_ns in free if since_ns > time_ns]
            found.append((time_ns, kind, text))
        return found

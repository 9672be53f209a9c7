"""Quality of service: what the node asks of cameras, what it offers, and one line when two sides do not fit.

A best-effort subscription matches every publisher but loses most images above 400 KB on Fast DDS as it comes; a reliable
one loses none and matches only reliable publishers. Hence 'auto': reliable where every publisher offers it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

RELIABILITY = {'reliable': ReliabilityPolicy.RELIABLE, 'best_effort': ReliabilityPolicy.BEST_EFFORT}
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def image_qos(reliability: str, depth: int) -> QoSProfile:
    """Volatile, keep last `depth`. reliability: 'reliable' or 'best_effort'."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=RELIABILITY[reliability],
                      durability=DurabilityPolicy.VOLATILE)


def input_reliability(wanted: str, offered: Iterable[ReliabilityPolicy]) -> str:
    """'reliable' or 'best_effort' for a subscription. wanted: the parameter; offered: what each publisher offers."""
    offered = list(offered)
    if wanted != 'auto':
        return wanted
    return 'reliable' if offered and all(policy == ReliabilityPolicy.RELIABLE for policy in offered) else 'best_effort'


def overridable(topic: str, given: Container[str]) -> QoSOverridingOptions:
    """Let the parameters qos_overrides.<topic>.publisher.{history,depth,reliability} change a publisher.

    topic: in full. given: the names of the parameters that are set from outside. The others are not even declared: rclpy
    makes them read-only, so that the first value of output_reliability and queue_depth would stay for ever.
    """
    kinds = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY)
    return QoSOverridingOptions([kind for kind in kinds if f'qos_overrides.{topic}.publisher.{kind.name.lower()}' in given])


def publisher_events(node: Node, topic: str, remedy: str) -> PublisherEventCallbacks:
    return PublisherEventCallbacks(incompatible_qos=_report(node, 'a subscriber of', topic, 'asks for', remedy))


def subscription_events(node: Node, topic: str, remedy: str) -> SubscriptionEventCallbacks:
    return SubscriptionEventCallbacks(incompatible_qos=_report(node, 'a publisher of', topic, 'offers', remedy))


def _report(node: Node, who: str, topic: str, verb: str, remedy: str) -> Callable:
    def report(event) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        node.get_logger().warning(f'{who} {topic} {verb} an incompatible {policy}, nothing passes between us; {remedy}')
    return report


def describe(publishers: Iterable[TopicEndpointInfo]) -> str:
    """'2 publishers: /camera (sensor_msgs/msg/Image, reliable, volatile), ...' for people."""
    lines = [f'{endpoint.node_namespace.rstrip("/")}/{endpoint.node_name} ({endpoint.topic_type}, '
             f'{endpoint.qos_profile.reliability.name.lower()}, {endpoint.qos_profile.durability.name.lower()})'
             for endpoint in publishers]
    noun = 'publisher' if len(lines) == 1 else 'publishers'
    return f'{len(lines)} {noun}' + (': ' + ', '.join(lines) if lines else '')

"""What is heard of a learner while a drive is played: versions that only grow, and events at the time of their weights."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rcl_interfaces.msg import Log

from uda_seg_ros.ros.demo import learning as room

SECOND = 1_000_000_000


@pytest.fixture
def heard(monkeypatch):
    """A learning, and how to let it hear: tell(seconds, version=, log=)."""
    now = SimpleNamespace(ns=0)
    monkeypatch.setattr(room.time, 'monotonic_ns', lambda: now.ns)
    for name in ('LabelInfo', 'VisionInfo'):  # vision_msgs need not be here
        monkeypatch.setattr(room.label_info, name, SimpleNamespace, raising=False)
    callbacks = {}
    node = SimpleNamespace(create_subscription=lambda kind, topic, callback, qos: callbacks.update({topic: callback}))
    learning = room.Learning(node)

    def tell(seconds: float, version: int | None = None, log: str = '') -> None:
        now.ns = round(seconds * SECOND)
        if log:
            callbacks['/rosout'](Log(msg=log))
        elif version is not None:
            callbacks['segmentation/vision_info'](SimpleNamespace(database_version=version))
    learning.tell, learning.status = tell, callbacks[room.STATUS]
    return learning


def test_the_status_tells_state_reason_and_version(heard):
    heard.status(DiagnosticStatus(message='watching', values=[
        KeyValue(key='state', value='running'), KeyValue(key='weights version', value='2')]))
    assert (heard.state, heard.text, heard.versions) == ('running', 'watching', [(0, 2)])


def test_of_two_topics_the_slower_one_tells_nothing_new(heard):
    for seconds, version in ((1, 0), (2, 1), (3, 3), (4, 2), (5, 3), (6, 4)):
        heard.tell(seconds, version)
    assert heard.versions == [(2 * SECOND, 1), (3 * SECOND, 3), (6 * SECOND, 4)]
    assert [heard.version_at(seconds * SECOND) for seconds in (1, 2, 5, 7)] == [0, 1, 3, 4]


def test_an_event_has_the_time_of_the_weights_that_it_tells_of(heard):
    heard.tell(5.0, log='adaptation: shift: the road changed: fog')
    heard.tell(9.2, 1)
    heard.tell(9.9, log='adaptation: promotion: +5 points')
    heard.tell(10.1, log='adaptation: rejection: worse')
    heard.tell(20.0, log='adaptation: rollback: long after')
    heard.tell(21.0, log='adaptation is on: the learner starts as a process of its own')
    assert heard.events() == [(5 * SECOND, 'shift', 'the road changed: fog'),
                              (round(9.2 * SECOND), 'promotion', '+5 points'),
                              (round(10.1 * SECOND), 'rejection', 'worse'), (20 * SECOND, 'rollback', 'long after')]

"""The worker and what it takes from, without a process around them: turns, stamps, and memory that runs short."""

from __future__ import annotations

import array
import gc
import threading
import time
import weakref

import pytest
import rclpy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.ros.camera import Camera, stamp_of
from uda_seg_ros.ros.debug_times import DebugTimes
from uda_seg_ros.ros.lifecycle import SetupError
from uda_seg_ros.ros.outputs import Outputs
from uda_seg_ros.ros.parameters import Parameters
from uda_seg_ros.ros.pipeline import Pipeline
from uda_seg_ros.ros.segmentation_node import SegmentationNode
from uda_seg_ros.ros.worker import Lane, Worker
from uda_seg_ros.runtime.engine import Engine, EngineOutOfMemory

from .node_process import DOMAIN, picture

JPEG, BAD = array.array('B', b'\xff\xd8\xff\xe0 and no end'), array.array('B', b'GIF89a')


@pytest.fixture
def node():
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    yield rclpy.create_node('parts', context=context)
    context.try_shutdown()


class Scarce(Engine):
    """An engine whose memory suffices for so many frames at once, and not at all for the first `failures` calls."""

    def __init__(self, bundle: Bundle, room: int, failures: int = 0) -> None:
        super().__init__(bundle)
        self.room, self.failures, self.calls = room, failures, []

    def batch(self, frames, **want):
        self.calls.append(len(frames))
        if len(frames) > self.room or len(self.calls) <= self.failures:
            raise EngineOutOfMemory('cuda: out of memory')
        return super().batch(frames, **want)


def build(node, engine: Engine, *names: str, make_room=lambda: None, **values) -> tuple[Worker, list[Camera]]:
    parameters = Parameters(node, lambda: False, set().update)
    node.set_parameters([rclpy.parameter.Parameter(name, value=value) for name, value in values.items()])
    cameras = [Camera(node, name, parameters, lambda: None) for name in names]
    lanes = [Lane(camera, Outputs(node, f'{camera.name}/', parameters, CITYSCAPES)) for camera in cameras]
    return Worker(node, engine, engine.batch, lanes, parameters, DebugTimes(node), threading.Event(), make_room), cameras


@pytest.mark.parametrize('stamp_s', [0, 1, 2**31 - 1])
def test_the_stamp_is_read_from_the_serialised_message(stamp_s):
    image = picture()
    image.header.stamp.sec, image.header.stamp.nanosec = stamp_s, 123_456_789
    assert stamp_of(serialize_message(image)) == stamp_s * 10**9 + 123_456_789
    assert stamp_of(b'\0\1\0') == 0


def test_a_slow_camera_is_served_although_a_fast_one_always_has_something_new(node, tiny_bundle):
    worker, (fast, slow) = build(node, Engine(Bundle.load(tiny_bundle)), 'fast', 'slow')
    content, order = serialize_message(picture()), []
    slow._store(content)
    for _ in range(6):
        for _ in range(3):
            time.sleep(0.001)
            fast._store(content)
        slow._store(content)
        ready, _ = worker._next()
        assert len(ready) == 1
        ready[0].camera.take()
        order.append(ready[0].camera.name)
    assert order[0] == 'slow' and order.count('slow') == 3


def test_frames_of_a_driver_that_leaves_stamps_at_0_have_a_time_that_goes_on(node, tiny_bundle):
    worker, (camera,) = build(node, Engine(Bundle.load(tiny_bundle)), '', lazy=False)
    stamps = []
    for _ in range(2):
        camera._store(serialize_message(Image(header=Header(), height=2, width=2, step=6, encoding='rgb8', data=bytes(12))))
        stamps.append(worker._take(worker._lanes[0]).frame.stamp_ns)
    assert 0 < stamps[0] < stamps[1]


@pytest.mark.parametrize(('room', 'failures', 'calls', 'masks', 'failed'), [
    (2, 0, [2], 2, 0), (1, 0, [2, 1, 1], 2, 0), (2, 2, [2, 1, 1], 1, 1), (0, 0, [2, 1, 1], 0, 2)])
def test_short_memory_is_met_frame_by_frame_and_then_by_dropping(node, tiny_bundle, room, failures, calls, masks, failed):
    engine = Scarce(Bundle.load(tiny_bundle), room, failures)
    asked_at = []
    worker, cameras = build(node, engine, 'left', 'right', make_room=lambda: asked_at.append(len(engine.calls)), max_batch=2,
                            lazy=False)
    published = []
    for camera in cameras:
        node.create_subscription(Image, f'{camera.name}/segmentation/mask', published.append, 1)
        camera._store(serialize_message(picture()))
    lanes, _ = worker._next()
    worker._serve(lanes)
    assert (engine.calls, worker.failures) == (calls, failed)
    assert asked_at == ([1] if len(calls) > 1 else []), 'room is made before the frames are tried again'
    deadline = time.monotonic() + 3
    while len(published) < masks and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.05, executor=rclpy.executors.SingleThreadedExecutor(context=node.context))
    assert len(published) == masks


@pytest.mark.parametrize('order', [(JPEG, BAD), (BAD, JPEG)], ids=['damaged first', 'unknown first'])
def test_damaged_data_is_a_warning_and_a_wrong_kind_of_data_an_error(node, tiny_bundle, capfd, order):
    engine = Engine(Bundle.load(tiny_bundle))
    worker, cameras = build(node, engine, 'left', 'right', lazy=False, image_transport='compressed')
    for camera, data in zip(cameras, order):
        camera._store(serialize_message(CompressedImage(format='jpeg', data=data)))
        worker._serve(worker._next()[0])
    lines = [line for line in capfd.readouterr().err.splitlines() if 'frame dropped' in line]
    damaged = [data is JPEG for data in order]
    assert ['[WARN]' in line for line in lines] == ['truncated' in line for line in lines] == damaged
    assert [camera.only_damaged for camera in cameras] == damaged


@pytest.fixture
def segmenter(tiny_bundle):
    """The node itself, in this process and not yet configured; its name is its own: its services outlive the test."""
    rclpy.init(args=['--ros-args', '-p', f'model:={tiny_bundle}', '-p', 'autostart:=false', '-r', '__node:=inside'],
               domain_id=DOMAIN)
    node = SegmentationNode()
    yield node
    node.release()
    node.destroy_node()
    rclpy.shutdown()


def holdings(node) -> tuple[int, ...]:
    """Numbers of what a node has at work."""
    entities = (node.publishers, node.subscriptions, node.timers, node.services)
    return *(len(list(kind)) for kind in entities), threading.active_count()


def test_a_cleaned_up_node_holds_nothing_however_often(segmenter):
    before = holdings(segmenter)
    for _ in range(4):
        assert segmenter.autostart()
        network = weakref.ref(segmenter.pipeline.engine._network)
        segmenter.trigger_deactivate()
        assert network() is not None
        segmenter.trigger_cleanup()
        gc.collect()
        assert network() is None
        assert holdings(segmenter) == before


def test_an_activation_that_fails_half_way_leaves_a_node_that_can_start_again(segmenter, monkeypatch):
    before = holdings(segmenter)
    with monkeypatch.context() as patch:
        patch.setattr(Camera, '_wanted_reliability', lambda self: 'sometimes')
        assert not segmenter.autostart()
    assert (segmenter.state, holdings(segmenter)) == ('unconfigured', before)
    assert segmenter.autostart()


def test_a_configuration_that_fails_after_the_learner_started_ends_the_learner(segmenter, monkeypatch, tmp_path):
    values = {'adaptation.enabled': True, 'adaptation.backend': 'thread', 'adaptation.checkpoint_dir': str(tmp_path),
              'adaptation.method': 'tests.online.workers.standin:Standin'}
    segmenter.set_parameters([rclpy.parameter.Parameter(name, value=value) for name, value in values.items()])

    def fail(*_):
        raise SetupError('no such camera')
    monkeypatch.setattr(Pipeline, '_add_camera', fail)
    assert not segmenter.autostart()
    assert 'learner keeper' not in {thread.name for thread in threading.enumerate()}
    assert not any('adaptation' in publisher.topic_name for publisher in segmenter.publishers)


def test_a_frame_that_finds_no_memory_has_the_learner_rest_for_a_while(segmenter, monkeypatch, tmp_path, capfd):
    values = {'adaptation.enabled': True, 'adaptation.backend': 'thread', 'adaptation.checkpoint_dir': str(tmp_path),
              'adaptation.method': 'tests.online.workers.standin:Standin'}
    segmenter.set_parameters([rclpy.parameter.Parameter(name, value=value) for name, value in values.items()])
    assert segmenter.autostart()
    adaptation = segmenter.pipeline.adaptation

    def until(condition: str) -> str:
        deadline = time.monotonic() + 60
        while adaptation._worker.status.condition != condition:
            assert time.monotonic() < deadline, adaptation._worker.status
            adaptation._tell()
            time.sleep(0.02)
        return adaptation.describe()[1]
    until('running')
    for _ in range(3):
        segmenter.pipeline.worker._make_room()
    assert 'memory did not suffice for a frame' in until('paused')
    assert capfd.readouterr().err.count('adaptation rests: memory did not suffice') == 1
    adaptation._short_until_s = 0.0  # as if the time were over
    until('running')
    segmenter.pipeline.worker._make_room()
    segmenter.trigger_deactivate()
    adaptation._short_until_s = 0.0
    adaptation._tell()
    deadline = time.monotonic() + 60
    while adaptation._worker.status.text != 'resting: nothing is segmented':
        assert time.monotonic() < deadline, adaptation._worker.status
        time.sleep(0.02)


def test_what_is_read_when_configured_is_read_anew_each_time(segmenter):
    for reliability, depth, period in (('reliable', 1, 1.0), ('best_effort', 7, 0.25)):
        values = {'output_reliability': reliability, 'queue_depth': depth, 'diagnostic_updater.period': period}
        results = segmenter.set_parameters([rclpy.parameter.Parameter(name, value=value) for name, value in values.items()])
        assert all(result.successful for result in results)
        segmenter.trigger_configure()
        mask, = (publisher for publisher in segmenter.publishers if publisher.topic_name == '/segmentation/mask')
        assert (mask.qos_profile.reliability.name.lower(), mask.qos_profile.depth) == (reliability, depth)
        assert period * 1e9 in [timer.timer_period_ns for timer in segmenter.timers]
        segmenter.trigger_cleanup()

"""A subscriber written against the interface alone: what a running node's outputs are, and how they follow parameters."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Float32
from std_srvs.srv import SetBool

from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.ros.convert import compressed_to_rgb, image_to_rgb

from .node_process import BEST_EFFORT, header, picture

NUMBERS = itertools.count(100)
# output: encoding, bytes a pixel
IMAGES = {'mask': ('mono8', 1), 'confidence': ('mono8', 1), 'color_mask': ('rgb8', 3), 'overlay': ('rgb8', 3)}
COMPRESSED = {'mask': ('mono8', 'png'), 'color_mask': ('rgb8', 'png'), 'overlay': ('rgb8', 'jpeg')}


@pytest.fixture(scope='module')
def stage(shared_peer, start_shared):
    """A node, the publisher of its camera, and lists of what comes out by topic."""
    node = start_shared()
    replies = {name: shared_peer.collect(Image, f'segmentation/{name}') for name in IMAGES}
    return SimpleNamespace(node=node, peer=shared_peer, camera=shared_peer.publisher(Image, 'image'), replies=replies)


def answered(stage, replies, **about):
    """The reply to a new picture of that kind."""
    sent = picture(next(NUMBERS), **about)
    reply = stage.peer.answer(stage.camera, sent, replies)
    assert reply is not None, stage.node.log()
    return sent, reply


def set_parameter(stage, name, **value):
    kinds = {'bool_value': 1, 'integer_value': 2, 'double_value': 3, 'string_value': 4}
    parameter = Parameter(name=name, value=ParameterValue(type=kinds[next(iter(value))], **value))
    request = SetParameters.Request(parameters=[parameter])
    return stage.peer.call(SetParameters, 'segmentation_node/set_parameters', request).results[0]


@pytest.mark.parametrize('name', IMAGES)
def test_an_output_has_the_inputs_header_and_size_and_the_promised_encoding(stage, name):
    encoding, size = IMAGES[name]
    sent, reply = answered(stage, stage.replies[name], frame_id='left_optical')
    assert reply.header == sent.header
    assert (reply.width, reply.height, reply.encoding) == (sent.width, sent.height, encoding)
    assert (reply.step, reply.is_bigendian, len(reply.data)) == (reply.width * size, 0, reply.width * size * reply.height)


def test_the_colours_are_the_palettes_of_the_mask(stage):
    sent, mask = answered(stage, stage.replies['mask'])
    stage.peer.spin_until(lambda: stage.replies['color_mask'][-1].header == sent.header)
    ids = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.width)
    assert ids.max() < CITYSCAPES.num_classes
    np.testing.assert_array_equal(image_to_rgb(stage.replies['color_mask'][-1]), CITYSCAPES.palette()[ids])


@pytest.mark.parametrize('name', COMPRESSED)
def test_a_compressed_output_says_what_it_is_and_ids_survive(stage, name):
    encoding, kind = COMPRESSED[name]
    packed = stage.peer.collect(CompressedImage, f'segmentation/{name}/compressed')
    sent, reply = answered(stage, packed)
    assert reply.header == sent.header
    assert reply.format.startswith(f'{encoding}; {kind} compressed')
    plain = stage.peer.spin_until(lambda: [other for other in stage.replies[name] if other.header == sent.header])[0]
    difference = np.abs(compressed_to_rgb(reply).astype(int) - image_to_rgb(plain))
    assert difference.max() == 0 if kind == 'png' else difference.mean() < 30


def test_reliable_and_best_effort_subscribers_get_masks(stage):
    best_effort = stage.peer.collect(Image, 'segmentation/mask', BEST_EFFORT)
    answered(stage, best_effort)
    answered(stage, stage.replies['mask'])


def test_outputs_are_volatile_and_reliable(stage):
    for endpoint in stage.peer.node.get_publishers_info_by_topic('/segmentation/mask'):
        assert endpoint.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        assert endpoint.qos_profile.durability == DurabilityPolicy.VOLATILE


def test_camera_info_comes_scaled_to_the_mask(stage):
    infos = stage.peer.collect(CameraInfo, 'segmentation/camera_info')
    source = stage.peer.publisher(CameraInfo, 'camera_info', BEST_EFFORT)
    info, image = CameraInfo(header=header(), width=128, height=96, k=[100.0, 0, 64, 0, 100, 48, 0, 0, 1],
                             p=[100.0, 0, 64, 0, 0, 100, 48, 0, 0, 0, 1, 0]), picture(next(NUMBERS))

    def publish() -> None:
        source.publish(info)
        stage.camera.publish(image)
    assert stage.peer.feed(publish, lambda: infos)
    info = infos[0]
    assert (info.header, info.width, info.height) == (image.header, 64, 48)
    assert list(info.k[:6]) == [50, 0, 32, 0, 50, 24]


def test_a_change_of_resolution_is_followed_and_logged_once(stage):
    for _ in range(2):
        _, reply = answered(stage, stage.replies['mask'], height=40, width=80)
        assert (reply.width, reply.height) == (80, 40)
    answered(stage, stage.replies['mask'])
    assert stage.node.log().count('resolution changed from 64x48 to 80x40') == 1


def test_stamps_that_go_back_are_noted_and_masks_go_on(stage):
    answered(stage, stage.replies['mask'])
    early = picture(1)
    assert stage.peer.answer(stage.camera, early, stage.replies['mask']).header == early.header
    assert 'stamps went back' in stage.node.log()


def test_output_size_is_followed_while_running(stage):
    for size, expected in (('32x16', (32, 16)), ('input', (64, 48))):
        assert set_parameter(stage, 'output_size', string_value=size).successful
        for name in ('confidence', 'overlay'):
            _, reply = answered(stage, stage.replies[name])
            assert (reply.width, reply.height) == expected


def test_pixels_below_the_threshold_become_unlabelled(stage):
    assert set_parameter(stage, 'threshold', double_value=1.0).successful
    _, reply = answered(stage, stage.replies['mask'])
    assert set_parameter(stage, 'threshold', double_value=0.0).successful
    assert set(reply.data) == {255}


def test_entropy_is_offered_only_when_asked_for(stage):
    topics = dict(stage.peer.node.get_topic_names_and_types())
    assert '/segmentation/entropy' not in topics
    assert set_parameter(stage, 'publish_entropy', bool_value=True).successful
    entropy = stage.peer.collect(Image, 'segmentation/entropy')
    _, reply = answered(stage, entropy)
    values = np.frombuffer(reply.data, np.float32)
    assert (reply.encoding, reply.step) == ('32FC1', 4 * reply.width)
    assert values.size == reply.width * reply.height
    assert values.min() >= 0 and values.max() <= 1


def test_confidence_comes_as_fractions_when_asked_for(stage):
    assert set_parameter(stage, 'confidence_encoding', string_value='32FC1').successful
    _, reply = answered(stage, stage.replies['confidence'])
    assert set_parameter(stage, 'confidence_encoding', string_value='mono8').successful
    assert reply.encoding == '32FC1'
    assert 0 < np.frombuffer(reply.data, np.float32).max() <= 1


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('threshold', {'double_value': 2.0}, 'out of range'),
    ('threshold', {'string_value': 'high'}, 'Wrong parameter type'),
    ('output_size', {'string_value': 'huge'}, 'WxH'),
    ('device', {'string_value': 'cuda'}, 'clean up'),
    ('confidence_encoding', {'string_value': 'mono16'}, 'possible: mono8, 32FC1'),
])
def test_a_parameter_that_cannot_be_is_refused_with_the_reason(stage, name, value, reason):
    result = set_parameter(stage, name, **value)
    assert not result.successful
    assert reason in result.reason


def test_the_enable_service_stops_and_resumes_masks(stage):
    assert stage.peer.call(SetBool, 'segmentation_node/enable', SetBool.Request(data=False)).success
    assert stage.peer.answer(stage.camera, picture(next(NUMBERS)), stage.replies['mask'], timeout_s=1) is None
    assert stage.peer.call(SetBool, 'segmentation_node/enable', SetBool.Request(data=True)).success
    answered(stage, stage.replies['mask'])


def test_times_are_published_for_who_asks(stage):
    times = stage.peer.collect(Float32, 'segmentation_node/debug/processing_time_ms', BEST_EFFORT)
    stage.peer.spin_until(lambda: answered(stage, stage.replies['mask']) and times)
    assert times[-1].data > 0


def test_diagnostics_tell_of_input_inference_outputs_and_model(stage):
    arrays = stage.peer.collect(DiagnosticArray, '/diagnostics')
    answered(stage, stage.replies['mask'])
    arrays.clear()
    stage.peer.spin_until(lambda: arrays)
    told = {status.name.partition(': ')[2]: {pair.key: pair.value for pair in status.values} for status in arrays[-1].status}
    assert int(told['input camera']['received']) > 10
    assert {'decode errors', 'lost in transport', 'dropped by keep-latest', 'dropped by age'} <= set(told['input camera'])
    assert told['inference']['device'] == 'cpu' and float(told['inference']['p95 (ms)']) > 0
    assert told['model']['network'] == 'fast_scnn' and len(told['model']['sha256']) == 64
    assert told['model']['weights version'] == '0'
    assert all(status.hardware_id == 'cpu' for status in arrays[-1].status)


def test_qos_events_and_warnings_stay_out_of_a_healthy_run(stage):
    assert 'Traceback' not in stage.node.log()
    assert 'incompatible' not in stage.node.log()

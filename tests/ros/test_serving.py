"""What is served when: compressed input, nobody listening, no clock, disabled. Each with a node of its own."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import SetBool

from uda_seg_ros.ros.convert import image_to_rgb, to_compressed

from .node_process import BEST_EFFORT, header, picture
from .test_cameras import values_of


def test_a_compressed_camera_is_segmented(peer, start):
    node = start(image_transport='compressed', arguments=('-r', 'image:=/front/image_raw'))
    masks, diagnostics = peer.collect(Image, 'segmentation/mask'), peer.collect(DiagnosticArray, '/diagnostics')
    camera = peer.publisher(CompressedImage, '/front/image_raw/compressed')
    pixels = image_to_rgb(picture())
    for number, kind in enumerate(('png', 'jpeg')):
        packed = to_compressed(pixels, 'rgb8', header(number, 'front'), kind)
        reply = peer.answer(camera, packed, masks)
        assert reply is not None, node.log()
        assert (reply.header, reply.width, reply.height) == (packed.header, 64, 48)
    truncated = to_compressed(pixels, 'rgb8', header(7), 'jpeg')
    truncated.data = truncated.data[: len(truncated.data) // 2]
    assert peer.answer(camera, truncated, masks, timeout_s=1) is None
    assert next('[WARN]' in line for line in node.log().splitlines() if 'truncated' in line)
    damage = peer.spin_until(lambda: [status for array in diagnostics for status in array.status
                                      if 'truncated' in status.message])
    assert damage and damage[0].level == DiagnosticStatus.WARN
    good = to_compressed(pixels, 'rgb8', header(8), 'jpeg')
    assert peer.answer(camera, good, masks) is not None


def test_nothing_is_computed_that_nobody_subscribes_to(peer, start):
    start(**{'diagnostic_updater.period': 0.2})
    diagnostics, camera = peer.collect(DiagnosticArray, '/diagnostics'), peer.publisher(Image, 'image')

    def told(name: str) -> dict[str, str]:
        return values_of(diagnostics[-1], name) if diagnostics else {}

    def feed(reached) -> object:
        return peer.feed(lambda: camera.publish(picture()), reached, 0.05)

    assert feed(lambda: int(told('input camera').get('received', 0)) >= 9)
    assert told('inference')['p50 (ms)'] == '' and told('outputs') == {}
    peer.node.create_subscription(Image, 'segmentation/confidence', lambda _: None, 1)
    assert feed(lambda: told('outputs'))
    assert set(told('outputs')) == {'confidence (Hz)'}


def test_camera_info_comes_to_who_subscribes_to_nothing_else(peer, start):
    start()
    infos = peer.collect(CameraInfo, 'segmentation/camera_info')
    camera, source = peer.publisher(Image, 'image'), peer.publisher(CameraInfo, 'camera_info', BEST_EFFORT)

    def publish() -> None:
        source.publish(CameraInfo(width=64, height=48))
        camera.publish(picture(1))
    assert peer.feed(publish, lambda: infos)


def test_a_node_that_is_not_lazy_publishes_for_nobody(peer, start):
    start(lazy=False, publish_overlay=False, **{'diagnostic_updater.period': 0.2})
    diagnostics, camera = peer.collect(DiagnosticArray, '/diagnostics'), peer.publisher(Image, 'image')
    outputs = {f'{name} (Hz)' for name in ('mask', 'confidence', 'color_mask', 'mask/compressed', 'color_mask/compressed')}
    assert peer.feed(lambda: camera.publish(picture()),
                     lambda: diagnostics and set(values_of(diagnostics[-1], 'outputs')) == outputs), diagnostics[-1]


def test_under_simulated_time_without_a_clock_frames_are_served(peer, start):
    start(use_sim_time=True, max_age=1.0)
    masks = peer.collect(Image, 'segmentation/mask')
    assert peer.answer(peer.publisher(Image, 'image'), picture(1), masks) is not None


def test_a_node_that_starts_disabled_waits_for_the_service(peer, start):
    start(start_enabled=False)
    masks, camera = peer.collect(Image, 'segmentation/mask'), peer.publisher(Image, 'image')
    assert peer.answer(camera, picture(1), masks, timeout_s=1) is None
    assert peer.call(SetBool, 'segmentation_node/enable', SetBool.Request(data=True)).success
    assert peer.answer(camera, picture(2), masks) is not None

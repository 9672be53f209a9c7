"""Several cameras in one node: names, a dead one, and frames that come faster than they are served."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo, Image

from .node_process import BEST_EFFORT, picture


def values_of(array: DiagnosticArray, name: str) -> dict[str, str]:
    return next({pair.key: pair.value for pair in status.values} for status in array.status if status.name.endswith(name))


def test_each_camera_has_its_outputs_and_a_dead_one_holds_nobody_up(peer, start):
    node = start(max_batch=2, arguments=('-p', 'cameras:=[front, left, dead]', '-r', 'left/image:=/cam_l/image_raw'))
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
    masks = {name: peer.collect(Image, f'{name}/segmentation/mask') for name in ('front', 'left', 'dead')}
    infos = peer.collect(CameraInfo, 'left/segmentation/camera_info')
    front, left = peer.publisher(Image, 'front/image'), peer.publisher(Image, '/cam_l/image_raw')
    sibling = peer.publisher(CameraInfo, '/cam_l/camera_info', BEST_EFFORT)

    def answered() -> int:
        """Of ten frames of each camera within a second, on the camera with fewer answers."""
        for received in masks.values():
            received.clear()
        for number in range(10):
            sibling.publish(CameraInfo(width=64, height=48))
            front.publish(picture(number, frame_id='front'))
            left.publish(picture(number, 32, 96, frame_id='left'))
            peer.spin_for(0.1)
        return min(len(masks['front']), len(masks['left']))
    assert any(answered() >= 5 and infos for _ in range(6)), node.log()  # a computer may stand still for a while
    for name, size in (('front', (64, 48)), ('left', (96, 32))):
        assert (masks[name][-1].width, masks[name][-1].height, masks[name][-1].header.frame_id) == (*size, name)
    assert (infos[-1].width, infos[-1].height) == (96, 32)
    assert not masks['dead']
    diagnostics.clear()
    peer.spin_until(lambda: diagnostics)
    assert values_of(diagnostics[-1], 'input dead')['received'] == '0'
    node.wait_for('no image on /dead/image for 5 s', 20)


def test_frames_that_come_too_fast_are_counted_and_the_newest_is_served(peer, start):
    rate_hz = 4.0
    start(max_rate=rate_hz)
    diagnostics, masks = peer.collect(DiagnosticArray, '/diagnostics'), peer.collect(Image, 'segmentation/mask')
    camera = peer.publisher(Image, 'image')
    begin_s = time.monotonic()
    for number in range(60):
        camera.publish(picture(number))
        peer.spin_for(0.02)
    newest = picture(60)
    camera.publish(newest)
    assert peer.spin_until(lambda: masks and masks[-1].header == newest.header)
    diagnostics.clear()
    peer.spin_until(lambda: diagnostics)
    counted = values_of(diagnostics[-1], 'input camera')
    served = len(masks)
    assert 3 <= served <= (time.monotonic() - begin_s) * rate_hz + 2
    assert int(counted['dropped by keep-latest']) == int(counted['received']) - served
    stamps = [mask.header.stamp.sec for mask in masks]
    assert stamps == sorted(stamps)


def test_frames_older_than_max_age_are_dropped_and_counted(peer, start):
    start(max_age=10.0)
    diagnostics, masks = peer.collect(DiagnosticArray, '/diagnostics'), peer.collect(Image, 'segmentation/mask')
    camera = peer.publisher(Image, 'image')
    old, fresh = picture(1), picture(2)  # the stamps of all pictures are of 1970

    def dropped() -> int:
        return int(values_of(diagnostics[-1], 'input camera')['dropped by age']) if diagnostics else 0
    assert peer.feed(lambda: camera.publish(old), dropped)
    fresh.header.stamp = peer.node.get_clock().now().to_msg()
    assert peer.feed(lambda: camera.publish(fresh), lambda: masks, 1.0, 8.0)
    assert all(mask.header == fresh.header for mask in masks)

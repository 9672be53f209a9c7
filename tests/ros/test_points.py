"""Labelled points from a running node: a depth camera's and a lidar's cloud of a procedural street, and what may miss."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from uda_seg_ros.bundle import default_bundle
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.points.rigid import parse_rigid
from uda_seg_ros.procedural import World
from uda_seg_ros.ros.clouds import POINT, read_xyz
from uda_seg_ros.ros.convert import image_to_mask, to_image

from .node_process import BEST_EFFORT, ROOT, environment, header, picture
from .test_clouds import cloud_of

SIZE = (320, 180)
# Where the lidar's frame lies in the camera's: turned from x forward, z up, and 0.3 m above, 0.2 m behind the camera.
EXTRINSICS = '0 -0.3 -0.2 -0.5 0.5 -0.5 0.5'
NUMBERS = itertools.count(500)
TF2 = '''
import pathlib, types
from geometry_msgs.msg import TransformStamped, Vector3, Quaternion
class TransformException(Exception): pass
class Buffer:
    def can_transform(self, target, source, time): return False
    def lookup_transform(self, target, source, time):
        if (target, source) != ('camera', 'lidar'): raise TransformException(f'"{source}" does not exist')
        found = TransformStamped()
        found.transform.translation = Vector3(x=0.0, y=-0.3, z=-0.2)
        found.transform.rotation = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)
        return found
class TransformListener:
    def __init__(self, buffer, node): node.get_logger().info('listening to TF')
    def unregister(self): pass
'''


@pytest.fixture(scope='module')
def street():
    """One frame of a drive: scene, the points of its pixels (N x 3, in the camera's frame), camera info."""
    scene = World('town_a', 3, SIZE).frame(40)
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    k = scene.camera.matrix
    points = np.stack([(u - k[0, 2]) / k[0, 0] * scene.depth, (v - k[1, 2]) / k[1, 1] * scene.depth, scene.depth], axis=-1)
    info = CameraInfo(width=SIZE[0], height=SIZE[1], k=k.ravel().tolist(),
                      p=np.hstack([k, np.zeros((3, 1))]).ravel().tolist())
    return SimpleNamespace(scene=scene, points=points.reshape(-1, 3).astype(np.float32), info=info)


def lidar_points(street) -> tuple[np.ndarray, np.ndarray]:
    """What the camera sees and as much all around, shuffled, in the lidar's frame; and which pixel each is (-1: none)."""
    random = np.random.default_rng(4)
    ahead = np.flatnonzero(np.isfinite(street.points).all(axis=1))
    around = random.uniform(-30, 30, (2000, 3)) * (1, 0.2, -1)
    around = around[around[:, 2] < 0]
    points = np.concatenate([street.points[ahead], around])
    pixels = np.concatenate([ahead, np.full(len(around), -1)])
    move, order = parse_rigid(EXTRINSICS), random.permutation(len(points))
    return ((points - move.translation) @ move.rotation)[order].astype(np.float32), pixels[order]


def stage_of(peer, node, prefix: str = '', cloud: str = 'cloud', info: CameraInfo | None = None) -> SimpleNamespace:
    """Publishers and replies at a node."""
    stage = SimpleNamespace(peer=peer, node=node, points=peer.collect(PointCloud2, f'{prefix}segmentation/points'),
                            masks=peer.collect(Image, f'{prefix}segmentation/mask'), tell_camera=lambda: None,
                            camera=peer.publisher(Image, f'{prefix}image'), cloud=peer.publisher(PointCloud2, cloud))
    if info is not None:  # by a new publisher each time: one whose discovery is lost is never heard
        stage.tell_camera = lambda: peer.publisher(CameraInfo, f'{prefix}camera_info', BEST_EFFORT).publish(info)
    return stage


def labelled(stage, image: Image, cloud: PointCloud2, frame_id: str = 'camera',
             wait_s: float = 30.0) -> tuple[PointCloud2 | None, Image]:
    """Both sent with one stamp, and again if need be; the labelled cloud (None if none comes) and the mask."""
    deadline = time.monotonic() + wait_s
    while True:
        image.header = header(next(NUMBERS))
        cloud.header = Header(stamp=image.header.stamp, frame_id=frame_id)
        stage.tell_camera()
        stage.cloud.publish(cloud)
        mask = stage.peer.answer(stage.camera, image, stage.masks)
        reply = stage.peer.spin_until(lambda: next((p for p in stage.points if p.header == cloud.header), None),
                                      min(wait_s, 4.0))
        if reply is not None or time.monotonic() > deadline:
            return reply, mask


def values_of(cloud: PointCloud2) -> np.ndarray:
    return np.frombuffer(cloud.data, POINT)


@pytest.fixture(scope='module')
def depth(shared_peer, start_shared, street):
    node = start_shared(model=default_bundle(), **{'points.topic': 'depth/points'})
    return stage_of(shared_peer, node, cloud='depth/points')


@pytest.fixture(scope='module')
def lidar(shared_peer, start_shared, street):
    node = start_shared(model=default_bundle(), arguments=('-r', '__ns:=/roof'),
                        **{'points.topic': '/velodyne', 'points.extrinsics': EXTRINSICS})
    return stage_of(shared_peer, node, '/roof/', '/velodyne', street.info)


def check_labels(label: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> None:
    """The points' labels are the mask's, and so the exact ones wherever the mask is right, which is in most places."""
    np.testing.assert_array_equal(label, mask)
    right = mask == truth
    assert right.mean() > 0.6, 'the mask is no good: nothing is shown'
    np.testing.assert_array_equal(label[right], truth[right])
    assert len(np.unique(label[right])) > 4


def test_a_depth_cameras_points_carry_the_exact_labels_where_the_mask_is_right(depth, street):
    cloud = cloud_of(street.points, height=SIZE[1], gap=4)
    reply, mask = labelled(depth, to_image(street.scene.image, 'rgb8', Header()), cloud)
    assert reply is not None, depth.node.log()
    assert (reply.header, reply.height, reply.width) == (cloud.header, SIZE[1], SIZE[0])
    values, there = values_of(reply), np.isfinite(street.points).all(axis=1)
    assert 0.5 < there.mean() < 1, 'no sky in the picture'
    check_labels(values['label'][there], street.scene.label.ravel()[there], image_to_mask(mask).ravel()[there])
    assert (values['label'][~there] == 255).all() and (values['confidence'][~there] == 0).all()
    assert values['confidence'][there].min() > 0
    np.testing.assert_array_equal(read_xyz(reply), street.points)
    red = CITYSCAPES.palette()[values['label'], 0]
    np.testing.assert_array_equal(values['rgb'] >> 16, red)


def test_a_lidars_points_carry_the_exact_labels_where_the_mask_is_right(lidar, street):
    points, pixels = lidar_points(street)
    image = to_image(street.scene.image, 'rgb8', Header())
    reply, mask = labelled(lidar, image, cloud_of(points), frame_id='lidar')
    assert reply is not None, lidar.node.log()
    assert (reply.header.frame_id, reply.height, reply.width) == ('lidar', 1, len(points))
    values, seen = values_of(reply), pixels >= 0
    check_labels(values['label'][seen], street.scene.label.ravel()[pixels[seen]], image_to_mask(mask).ravel()[pixels[seen]])
    assert (values['label'][~seen] == 255).all() and (values['confidence'][~seen] == 0).all()
    np.testing.assert_array_equal(read_xyz(reply), points)


def test_a_cloud_outside_the_tolerance_is_not_labelled_and_the_next_one_is(depth):
    cloud, image = cloud_of(np.ones((64 * 48, 3), np.float32), height=48), picture()
    image.header = header(next(NUMBERS))
    cloud.header = header(next(NUMBERS))  # a second later
    depth.cloud.publish(cloud)
    assert depth.peer.answer(depth.camera, image, depth.masks) is not None
    depth.peer.spin_for(0.5)
    assert not any(other.header == cloud.header for other in depth.points)
    assert labelled(depth, picture(), cloud)[0] is not None


def test_a_cloud_smaller_than_the_picture_is_labelled_too(depth):
    reply, mask = labelled(depth, picture(), cloud_of(np.ones((32 * 24, 3), np.float32), height=24))
    np.testing.assert_array_equal(values_of(reply)['label'].reshape(24, 32), image_to_mask(mask)[1::2, 1::2])


def test_clouds_are_labelled_again_after_a_whole_life(depth):
    for step in ('DEACTIVATE', 'CLEANUP', 'CONFIGURE', 'ACTIVATE'):
        request = ChangeState.Request(transition=Transition(id=getattr(Transition, f'TRANSITION_{step}')))
        assert depth.peer.call(ChangeState, 'segmentation_node/change_state', request, 60).success, depth.node.log()
    assert depth.peer.spin_until(lambda: depth.camera.get_subscription_count() and depth.cloud.get_subscription_count())
    reply, _ = labelled(depth, picture(), cloud_of(np.ones((64 * 48, 3), np.float32), height=48))
    assert reply is not None, depth.node.log()
    assert 'Traceback' not in depth.node.log()


@pytest.mark.parametrize(('cloud', 'frame_id', 'words'), [
    (cloud_of(np.ones((64 * 48, 3), np.float32), height=48, names='abc'), 'camera', 'no field x, y, z; it has a, b, c'),
    (cloud_of(np.ones((50, 3), np.float32)), 'camera', 'no camera info on /camera_info'),
    (cloud_of(np.ones((64 * 48, 3), np.float32), height=48), 'elsewhere', "from the frame 'elsewhere' into 'camera'"),
])
def test_what_is_missing_is_named_in_log_and_diagnostics(depth, cloud, frame_id, words):
    diagnostics = depth.peer.collect(DiagnosticArray, '/diagnostics')
    reply, mask = labelled(depth, picture(), cloud, frame_id, wait_s=2.0)
    assert reply is None and mask is not None
    depth.node.wait_for(words, 20)
    told = depth.peer.spin_until(lambda: [status for array in diagnostics for status in array.status
                                          if 'points camera' in status.name and words in status.message])
    assert told and told[0].level == b'\x01'


def test_without_tf_and_extrinsics_a_lidars_cloud_names_what_to_do(peer, start, street):
    stage = stage_of(peer, start(**{'points.topic': 'cloud'}, env=environment(PYTHONPATH=str(ROOT))), info=street.info)
    assert labelled(stage, picture(), cloud_of(np.ones((9, 3), np.float32)), 'lidar', wait_s=2.0)[0] is None
    stage.node.wait_for("no transform from 'lidar' to 'camera'", 20)
    assert 'points.extrinsics' in stage.node.log()


def test_tf_is_asked_where_it_is_installed_and_only_when_needed(peer, start, street, tmp_path):
    (tmp_path / 'tf2_ros.py').write_text(TF2)
    node = start(model=default_bundle(), env=environment(PYTHONPATH=f'{tmp_path}:{ROOT}'), **{'points.topic': 'cloud'})
    stage = stage_of(peer, node, info=street.info)
    assert labelled(stage, picture(), cloud_of(np.ones((64 * 48, 3), np.float32), height=48))[0] is not None
    assert 'listening to TF' not in node.log()
    points, pixels = lidar_points(street)
    image = to_image(street.scene.image, 'rgb8', Header())
    labelled(stage, image, cloud_of(points), 'lidar', wait_s=2.0)
    node.wait_for('listening to TF', 20)
    reply, mask = labelled(stage, image, cloud_of(points), 'lidar')
    seen = pixels >= 0
    np.testing.assert_array_equal(values_of(reply)['label'][seen], image_to_mask(mask).ravel()[pixels[seen]])


def test_clouds_are_not_even_received_while_nobody_wants_them(peer, start):
    node = start(arguments=('-r', '__ns:=/quiet'), **{'points.topic': '/quiet/cloud'})  # where no other test subscribes
    cloud = peer.node.create_publisher(PointCloud2, '/quiet/cloud', 5)
    masks = peer.collect(Image, '/quiet/segmentation/mask')
    assert peer.answer(peer.publisher(Image, '/quiet/image'), picture(1), masks) is not None
    assert cloud.get_subscription_count() == 0
    points = peer.node.create_subscription(PointCloud2, '/quiet/segmentation/points', lambda _: None, 5)
    assert peer.spin_until(lambda: cloud.get_subscription_count() == 1, 20)
    peer.node.destroy_subscription(points)
    assert peer.spin_until(lambda: cloud.get_subscription_count() == 0, 20)
    assert 'Traceback' not in node.log()


def test_silence_and_stamps_that_never_fit_are_told_with_what_to_do(peer, start):
    node = start(arguments=('-r', '__ns:=/late'), **{'points.topic': '/late/cloud'})
    peer.collect(PointCloud2, '/late/segmentation/points')
    node.wait_for('no point cloud on /late/cloud for 5 s: 0 publishers')
    camera, clouds = peer.publisher(Image, '/late/image'), peer.publisher(PointCloud2, '/late/cloud')

    def told() -> bool:
        image, cloud = picture(900), cloud_of(np.ones((9, 3), np.float32))
        cloud.header = header(600)  # five minutes before
        camera.publish(image)
        clouds.publish(cloud)
        peer.spin_for(0.2)
        return 'the nearest stamps differ by 300.000 s, and points.tolerance is 0.05 s' in node.log()
    assert peer.spin_until(told, 30), node.log()


def test_several_cameras_have_clouds_of_their_own(peer, start):
    start(arguments=('-p', 'cameras:=[front, left]'), **{'points.topic': '/{camera}/depth/points'})
    for name in ('front', 'left'):
        stage = stage_of(peer, None, f'{name}/', f'/{name}/depth/points')
        reply, _ = labelled(stage, picture(), cloud_of(np.ones((64 * 48, 3), np.float32), height=48))
        assert reply is not None and reply.width == 64


def test_extrinsics_for_several_cameras_are_refused_with_the_way_out(start):
    node = start(until='', arguments=('-p', 'cameras:=[front, left]'),
                 **{'points.topic': 'cloud', 'points.extrinsics': EXTRINSICS})
    node.wait_for('leave it empty and publish TF')

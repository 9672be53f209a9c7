"""Class names on the wire where vision_msgs is installed; one line in the log where it is not; and the classes file."""

from __future__ import annotations

import importlib.util

import pytest
import yaml
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image

from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.ros.classes_file import rename_classes
from uda_seg_ros.ros.convert import image_to_mask, image_to_rgb

from .node_process import picture

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def write(path, content) -> str:
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_without_vision_msgs_one_line_says_what_that_costs_and_masks_flow(peer, start):
    if importlib.util.find_spec('vision_msgs') is not None:
        pytest.skip('vision_msgs is installed')
    node = start()
    masks = peer.collect(Image, 'segmentation/mask')
    assert peer.answer(peer.publisher(Image, 'image'), picture(1), masks) is not None
    assert node.log().count('vision_msgs is not installed: no segmentation/label_info') == 1


def test_a_late_subscriber_learns_the_classes_and_the_weights_version(peer, start, tiny_bundle):
    messages = pytest.importorskip('vision_msgs.msg')
    start(threshold=0.25)
    infos = peer.collect(messages.LabelInfo, 'segmentation/label_info', LATCHED)
    vision = peer.collect(messages.VisionInfo, 'segmentation/vision_info', LATCHED)
    peer.spin_until(lambda: infos and vision)
    assert [(entry.class_id, entry.class_name) for entry in infos[0].class_map] == list(enumerate(CITYSCAPES.names))
    assert infos[0].threshold == 0.25
    assert (vision[0].method, vision[0].database_location, vision[0].database_version) == ('fast_scnn', str(tiny_bundle), 0)
    peer.spin_for(1.0)
    assert len(infos) == len(vision) == 1


def test_class_names_come_again_when_asked_for_and_for_each_camera(peer, start, tmp_path):
    messages = pytest.importorskip('vision_msgs.msg')
    start(label_info_period=0.5, arguments=('-p', 'cameras:=[left, right]'),
          classes_file=write(tmp_path / 'classes.yaml', {'classes': [{'id': 0, 'name': 'tarmac'}]}))
    left, right = (peer.collect(messages.LabelInfo, f'{camera}/segmentation/label_info', LATCHED)
                   for camera in ('left', 'right'))
    assert peer.spin_until(lambda: len(left) >= 3 and len(right) >= 3, 6)
    assert left[0].class_map[0].class_name == 'tarmac'


def test_the_classes_file_recolours_and_takes_the_order_of_nav2(peer, start, tmp_path):
    classes = [{'id': number, 'name': f'class {number}', 'color': [number, 100, 200]} for number in range(19)]
    start(classes_file=write(tmp_path / 'classes.yaml', {'color_order': 'bgr', 'classes': classes}))
    masks, colours = (peer.collect(Image, f'segmentation/{name}') for name in ('mask', 'color_mask'))
    sent = picture(1)
    assert peer.answer(peer.publisher(Image, 'image'), sent, colours) is not None
    peer.spin_until(lambda: masks and masks[-1].header == colours[-1].header)
    colour = image_to_rgb(colours[-1])
    assert (colour[..., 2] == image_to_mask(masks[-1])).all()
    assert (colour[..., 0] == 200).all()


@pytest.mark.parametrize(('content', 'words'), [
    ({'classes': [{'id': 19, 'name': 'boat'}]}, "id 19 is none of the network's, 0 to 18"),
    ({'classes': [{'id': 0, 'nam': 'road'}]}, "unknown key 'nam' (did you mean 'name'?)"),
    ({'classes': [{'id': 0, 'name': 'sky'}]}, 'a class name stands twice'),
    ({'classes': [{'id': 0, 'name': 'road', 'color': [0, 0, 256]}]}, 'is not within 0..255'),
    ({'classes': [], 'color_order': 'hsv'}, "'hsv' is not possible"),
    ('classes', 'expected a mapping'),
])
def test_a_wrong_classes_file_is_refused_by_name_and_reason(tmp_path, content, words):
    path = write(tmp_path / 'classes.yaml', content)
    with pytest.raises(ConfigError) as error:
        rename_classes(CITYSCAPES, path)
    assert words in str(error.value) and path in str(error.value)

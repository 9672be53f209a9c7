"""What RViz, Foxglove and Nav2 are told: files that parse, topics of ours, of a type that is shown, every class."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest
import yaml

from uda_seg_ros.bundle import default_bundle, read_manifest
from uda_seg_ros.ros.interface_reference import outputs, type_name

from .node_process import ROOT

CONFIG = ROOT / 'config'
TYPES = {(name.replace('~', '/segmentation_node') if name[0] in '~/' else f'/{name}'): type_name(kind)
         for name, kind, _ in outputs()}
SHOWS = {'rviz_default_plugins/Image': 'sensor_msgs/msg/Image', 'rviz_default_plugins/Camera': 'sensor_msgs/msg/Image',
         'rviz_default_plugins/PointCloud2': 'sensor_msgs/msg/PointCloud2'}
PATH = re.compile(r'(/[\w/]+)\.([\w.\[\]:]+?)(?:\{key=="([\w -]+)"\}\.value)?$')  # of a message, as Foxglove writes it


@pytest.fixture(scope='module')
def displays() -> list[dict]:
    return yaml.safe_load((CONFIG / 'segment.rviz').read_text())['Visualization Manager']['Displays']


@pytest.fixture(scope='module')
def layout() -> dict:
    return json.loads((CONFIG / 'foxglove.json').read_text())


def test_rviz_shows_topics_of_ours_by_displays_of_their_type(displays):
    for display in displays:
        assert TYPES[display['Topic']['Value']] == SHOWS[display['Class']], display['Name']
        assert display['Topic']['Reliability Policy'] == 'Best Effort'
    assert {display['Topic']['Value'].rpartition('/')[2] for display in displays} == {
        'overlay', 'color_mask', 'entropy', 'points'}
    assert any(display['Class'].endswith('Camera') for display in displays)


def test_rviz_in_a_namespace_is_remapped_for_all_that_it_shows_and_the_cameras_geometry(displays):
    tree = ast.parse((ROOT / 'launch' / 'segment.launch.py').read_text())
    remapped = next(ast.literal_eval(node.value) for node in tree.body
                    if isinstance(node, ast.Assign) and node.targets[0].id == 'RVIZ')
    shown = {display['Topic']['Value'].removeprefix('/segmentation/') for display in displays}
    assert set(remapped) == shown | {'camera_info'}


def leaves(layout: dict | str) -> Iterator[str]:
    """The panels of a layout, which is a tree of splits."""
    if isinstance(layout, str):
        yield layout
        return
    assert layout['direction'] in ('row', 'column') and 0 < layout['splitPercentage'] < 100
    yield from leaves(layout['first'])
    yield from leaves(layout['second'])


def test_foxglove_lays_out_every_panel_once(layout):
    assert sorted(leaves(layout['layout'])) == sorted(layout['configById'])
    assert {name.partition('!')[0] for name in layout['configById']} == {
        'Image', '3D', 'Plot', 'StateTransitions', 'RawMessages', 'DiagnosticSummary'}


def test_foxglove_shows_topics_of_ours_by_panels_of_their_type(layout):
    for name, config in layout['configById'].items():
        if name.startswith('Image!'):
            assert TYPES[config['imageMode']['imageTopic']] == 'sensor_msgs/msg/Image'
            calibration = config['imageMode'].get('calibrationTopic', '/segmentation/camera_info')
            assert TYPES[calibration] == 'sensor_msgs/msg/CameraInfo'
        assert all(TYPES[topic] == 'sensor_msgs/msg/PointCloud2' for topic in config.get('topics', {}))
        assert TYPES[config.get('topicToRender', '/diagnostics')] == 'diagnostic_msgs/msg/DiagnosticArray'
    assert {'/segmentation/overlay', '/segmentation/color_mask', '/segmentation/entropy'} <= {
        config['imageMode']['imageTopic'] for name, config in layout['configById'].items() if name.startswith('Image!')}
    assert '/segmentation/points' in layout['configById']['3D!points']['topics']


def test_foxglove_plots_numbers_that_the_node_tells(layout):
    """Latency from the debug topics, and of adaptation the keys that its status has."""
    paths = [path['value'] for config in layout['configById'].values() for path in config.get('paths', ())]
    paths += [config['topicPath'] for config in layout['configById'].values() if 'topicPath' in config]
    told = {node.value for node in ast.walk(ast.parse((ROOT / 'uda_seg_ros/ros/adaptation.py').read_text()))
            if isinstance(node, ast.Constant)}
    plotted = set()
    for path in paths:
        topic, field, key = PATH.fullmatch(path).groups()
        plotted.add(topic)
        if TYPES[topic] == 'std_msgs/msg/Float32':
            assert (field, key) == ('data', None)
        else:
            assert TYPES[topic] == 'diagnostic_msgs/msg/DiagnosticStatus'
            assert field == 'message' or (field == 'values[:]' and key in told), path
    assert plotted == {topic for topic in TYPES if '/debug/' in topic or topic.endswith('/adaptation/status')}


def test_nav2_knows_every_class_of_the_bundle_once_and_reads_our_topics():
    layer = yaml.safe_load((CONFIG / 'nav2_semantic_layer.yaml').read_text())[
        'local_costmap']['local_costmap']['ros__parameters']['semantic_layer']
    source = layer[layer['observation_sources']]
    groups = [source[name] for name in source['class_types']]
    assert sorted(name for group in groups for name in group['classes']) == sorted(
        read_manifest(default_bundle()).labels.names)
    assert {key for key, value in source.items() if isinstance(value, dict)} == set(source['class_types'])
    for group in groups:
        assert 0 <= group['base_cost'] <= group['max_cost'] <= 254 and 0 <= group['mark_confidence'] <= 255
        assert group.keys() == {'classes', 'base_cost', 'max_cost', 'mark_confidence', 'samples_to_max_cost',
                                'dominant_priority'}
    assert TYPES[source['segmentation_topic']] == TYPES[source['confidence_topic']] == 'sensor_msgs/msg/Image'
    assert TYPES[source['labels_topic']] == 'vision_msgs/msg/LabelInfo'
    assert source['pointcloud_topic'] not in TYPES

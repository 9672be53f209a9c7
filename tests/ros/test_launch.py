"""The launch files: their tables against the node's parameters everywhere, and a real launch where launch_ros is."""

from __future__ import annotations

import ast
import os
import runpy
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import yaml
from sensor_msgs.msg import Image

from uda_seg_ros.ros.parameters import SETTINGS

from .node_process import ROOT, environment, picture

SEGMENT, REPLAY = (ROOT / 'launch' / f'{name}.launch.py' for name in ('segment', 'replay'))
WANTED = {'image_topic', 'input_image_topic', 'camera_info_topic', 'cameras', 'namespace', 'node_name', 'params_file',
          'model', 'device', 'half', 'imgsz_height', 'imgsz_width', 'threshold', 'image_transport', 'input_reliability',
          'output_size', 'points', 'adapt', 'use_sim_time', 'autostart', 'respawn', 'rviz', 'bag', 'rate',
          'loop', 'log_level'}
LAUNCHER = '''
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
arguments = [text.split(':=', 1) for text in sys.argv[2:]]
service = LaunchService()
service.include_launch_description(LaunchDescription([
    IncludeLaunchDescription(PythonLaunchDescriptionSource(sys.argv[1]), launch_arguments=arguments)]))
sys.exit(service.run())
'''


def table(path: Path, name: str) -> dict[str, list[str]]:
    """A dictionary of the launch file, read without running it: for each key the source of the values in its row."""
    tree = ast.parse(path.read_text())
    found = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == name)
    return {key.value: [ast.unparse(item) for item in row.elts] for key, row in zip(found.keys, found.values)}


def test_the_arguments_are_those_of_the_interface():
    assert {*table(SEGMENT, 'PARAMETERS'), *table(SEGMENT, 'ARGUMENTS')} == WANTED


def test_an_argument_that_is_a_parameter_has_its_type_and_choices():
    types = {'str': str, 'bool': bool, 'int': int, 'float': float, 'list[str]': tuple}
    for name, (kind, _, choices) in table(SEGMENT, 'PARAMETERS').items():
        if name == 'use_sim_time':  # rclpy's own
            continue
        setting = SETTINGS[{'adapt': 'adaptation.enabled', 'points': 'points.topic'}.get(name, name)]
        assert types[kind] is type(setting.default), name
        if setting.choices:
            assert tuple(ast.literal_eval(choices)) == setting.choices


def test_every_argument_has_a_meaning():
    for path, name in ((SEGMENT, 'PARAMETERS'), (SEGMENT, 'ARGUMENTS'), (REPLAY, 'ARGUMENTS')):
        assert all(row[1].strip('\'"').endswith('.') for row in table(path, name).values())


@pytest.fixture
def segment(monkeypatch):
    """The names of segment.launch.py; what it imports of launch is only stood in for, where there is none."""
    if find_spec('launch_ros') is None:
        for name in ('launch', 'launch.actions', 'launch.logging', 'launch.substitutions', 'launch_ros',
                     'launch_ros.actions', 'launch_ros.event_handlers', 'launch_ros.parameter_descriptions'):
            monkeypatch.setitem(sys.modules, name, MagicMock())
    return runpy.run_path(str(SEGMENT))


@pytest.mark.parametrize(('text', 'names'), [
    ('[front, left]', ['front', 'left']), ('front,left', ['front', 'left']), ('["front"]', ['front']), ('[]', []), ('', [])])
def test_cameras_are_named_with_brackets_or_without(segment, text, names):
    assert segment['_names'](text) == names


@pytest.mark.parametrize(('name', 'text', 'kind', 'wanted'), [
    ('threshold', 'abc', float, 'threshold:=abc is not a number'),
    ('imgsz_width', '1.5', int, 'imgsz_width:=1.5 is not a whole number')])
def test_a_value_of_the_wrong_kind_is_refused_by_the_arguments_name(segment, name, text, kind, wanted):
    with pytest.raises(ValueError, match=wanted):
        segment['_checked'](name, text, kind)


def test_a_misspelt_argument_gets_a_hint_and_a_parents_own_does_not(segment):
    assert segment['_misspelt'](['imagetopic:=/front', 'world:=town', 'image_topic:=/front']) == [
        "there is no argument 'imagetopic': did you mean 'image_topic'?"]


@pytest.fixture
def launch(tmp_path):
    """Run a launch file with the real launch_ros, for which the package is installed in a prefix of its own."""
    pytest.importorskip('launch_ros.actions', reason='needs launch_ros, which comes with ROS 2 from apt')
    prefix = tmp_path / 'prefix'
    for folder in ('share/ament_index/resource_index/packages', 'share/uda_seg_ros', 'lib/uda_seg_ros', 'bin'):
        (prefix / folder).mkdir(parents=True)
    (prefix / 'share/ament_index/resource_index/packages/uda_seg_ros').touch()
    player = '#!/bin/sh\necho "ros2 $@ with $FASTRTPS_DEFAULT_PROFILES_FILE$FASTDDS_DEFAULT_PROFILES_FILE"\n'
    node = f'#!/bin/sh\nexec {sys.executable} -m uda_seg_ros.ros.segmentation_node "$@"\n'
    for path, text in ((prefix / 'lib/uda_seg_ros/segmentation_node', node),
                       (prefix / 'bin/ros2', player)):
        path.write_text(text)
        path.chmod(0o755)
    processes, log = [], tmp_path / 'launch.log'

    def launch(path: Path, *arguments: str):
        env = environment(ROS_LOG_DIR=str(tmp_path), PATH=f'{prefix / "bin"}{os.pathsep}{os.environ["PATH"]}')
        env['AMENT_PREFIX_PATH'] = os.pathsep.join(filter(None, (str(prefix), env.get('AMENT_PREFIX_PATH'))))
        command = [sys.executable, '-c', LAUNCHER, str(path), *arguments]
        with log.open('w') as out:
            processes.append(subprocess.Popen(command, stdout=out, stderr=out, env=env, start_new_session=True))
        return processes[-1]

    launch.log = log.read_text
    yield launch
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(launch, text: str, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while text not in launch.log():
        assert time.monotonic() < deadline, launch.log()
        time.sleep(0.1)


def test_a_launched_node_segments_and_ends_with_ctrl_c(launch, peer, tiny_bundle):
    process = launch(SEGMENT, f'model:={tiny_bundle}', 'threshold:=1', 'image_topic:=/front/image_raw', 'namespace:=car')
    masks = peer.collect(Image, '/car/segmentation/mask')
    camera = peer.publisher(Image, '/front/image_raw')
    reply = peer.answer(camera, picture(1), masks)
    assert reply is not None and set(reply.data) == {255}, launch.log()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(15) == 0
    assert 'process has finished cleanly' in launch.log(), launch.log()


def test_an_argument_beats_the_file_only_when_it_is_given(launch, peer, tiny_bundle, tmp_path):
    parameters = tmp_path / 'mine.yaml'
    given = {'model': str(tiny_bundle), 'threshold': 1.0, 'output_size': '32x16'}
    parameters.write_text(yaml.safe_dump({'/**': {'ros__parameters': given}}))
    launch(SEGMENT, f'params_file:={parameters}', 'output_size:=network', 'input_image_topic:=/image')
    masks = peer.collect(Image, '/segmentation/mask')
    reply = peer.answer(peer.publisher(Image, '/image'), picture(1), masks)
    assert reply is not None, launch.log()
    assert (reply.width, reply.height) != (32, 16) and set(reply.data) == {255}


def test_cameras_are_remapped_by_their_names(launch, tiny_bundle):
    launch(SEGMENT, f'model:={tiny_bundle}', 'cameras:=[front, left]', 'image_topic:=/{camera}/image_raw')
    wait_for(launch, 'segmenting /front/image_raw, /left/image_raw')


def test_a_wrong_choice_is_refused_before_anything_starts(launch):
    process = launch(SEGMENT, 'input_reliability:=sometimes')
    assert process.wait(15) != 0
    assert 'sometimes' in launch.log() and 'segmentation_node' not in launch.log()


def test_without_rviz_nothing_is_started_that_would_be_left_behind(launch):
    from ament_index_python.packages import get_packages_with_prefixes
    if 'rviz2' in get_packages_with_prefixes():
        pytest.skip('rviz2 is installed')
    process = launch(SEGMENT, 'rviz:=true')
    assert process.wait(15) != 0
    assert "package 'rviz2' not found" in launch.log() and 'process started' not in launch.log()


def test_a_replay_plays_the_bag_with_a_clock_and_the_profile_once_the_node_is_active(launch, tiny_bundle):
    launch(REPLAY, 'bag:=/some/drive', 'rviz:=false', 'rate:=0.5', 'loop:=true', f'model:={tiny_bundle}')
    wait_for(launch, 'ros2 bag play')
    assert 'segmenting /camera/image_raw' in launch.log().partition('ros2 bag play')[0], launch.log()
    line = next(line for line in launch.log().splitlines() if 'ros2 bag play' in line and 'with' in line)
    assert all(text in line for text in ('/some/drive', '--clock', '--rate 0.5', '--loop', 'fastdds.xml'))

"""Every command of docs/run_on_a_robot.md names arguments, parameters, topics and services that are there."""

from __future__ import annotations

import re

import pytest

from uda_seg_ros.ros.interface_reference import outputs, services, type_name
from uda_seg_ros.ros.parameters import SETTINGS

from .node_process import ROOT
from .test_launch import REPLAY, SEGMENT, table

TEXT = (ROOT / 'docs' / 'run_on_a_robot.md').read_text(encoding='utf-8')
SEGMENT_ARGUMENTS = {*table(SEGMENT, 'PARAMETERS'), *table(SEGMENT, 'ARGUMENTS')}
ARGUMENTS = {'segment': SEGMENT_ARGUMENTS, 'replay': SEGMENT_ARGUMENTS | {*table(REPLAY, 'ARGUMENTS')}}
LAUNCHES = re.findall(r'ros2 launch uda_seg_ros (\w+)\.launch\.py([^\n`#]*)', TEXT)


@pytest.mark.parametrize(('file', 'given'), LAUNCHES, ids=[given.strip() for _, given in LAUNCHES])
def test_a_launch_of_the_page_has_its_arguments(file, given):
    words = re.sub(r"'[^']*'", 'text', given).split()
    names = [word.partition(':=')[0] for word in words]
    assert all(name in ARGUMENTS[file] or name == '--show-args' for name in names)
    for name, value in re.findall(r"(\w+):='?([^' ]*)", given):
        if name in SETTINGS and SETTINGS[name].choices:
            assert value in SETTINGS[name].choices


def test_arguments_that_the_text_names_are_there():
    named = set(re.findall(r'`(\w+):=', TEXT))
    assert named and named <= SEGMENT_ARGUMENTS


def test_the_node_that_is_started_by_hand_has_its_topics_and_parameters():
    (given,) = re.findall(r'^segmentation_node --ros-args(.*)', TEXT, re.M)
    assert re.findall(r'-r (\w+):=', given) == ['image']
    names = re.findall(r'-p ([\w.]+):=', given)
    assert names and set(names) <= SETTINGS.keys()


def test_parameters_that_the_page_names_are_there_and_change_where_it_says_so():
    for name in re.findall(r'ros2 param set /segmentation_node (\S+)', TEXT):
        assert SETTINGS[name].dynamic
    for name in re.findall(r'`((?:points|adaptation)\.\w+)`', TEXT):
        assert name in SETTINGS
    assert SETTINGS['points.tolerance'].default == 0.05
    assert {'max_batch', 'publish_entropy'} <= SETTINGS.keys()


def test_services_and_topics_that_the_page_names_are_there():
    served = {name.replace('~', '/segmentation_node'): type_name(kind) for name, kind, _ in services()}
    for name, kind in re.findall(r'ros2 service call (\S+) (\S+)', TEXT):
        assert served[name] == kind.rstrip('`')
    published = {name.replace('~', '/segmentation_node').lstrip('/') for name, _, _ in outputs()}
    for name in re.findall(r'/(segmentation(?:_node)?/\w+(?:/status)?)', TEXT):
        assert name in published or f'/{name}' in served or name == 'segmentation/painted'


def test_files_that_the_page_points_to_are_there():
    for path in re.findall(r'\]\((?!https?:)([^)]+)\)', TEXT):
        assert (ROOT / 'docs' / path).exists(), path
    for path in re.findall(r'share uda_seg_ros\)/(\S+?)[` ]', TEXT):
        assert (ROOT / path).exists(), path

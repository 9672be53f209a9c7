"""One code for Humble to Lyrical: nothing that rclpy of Humble lacks, and names that changed on the way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from uda_seg_ros.ros.demo.node_process import PROFILE_VARIABLES, profile_in_use, surroundings

ROOT = Path(__file__).resolve().parents[2]
# Public names of rclpy that came after Humble (by comparing its branches).
NEWER_THAN_HUMBLE = {
    'AsyncParameterClient', 'ParameterEventHandler', 'actual_call_time', 'add_post_set_parameters_callback',
    'add_pre_set_parameters_callback', 'configure_introspection', 'count_clients', 'count_services', 'event_callback',
    'expected_call_time', 'get_fully_qualified_node_names', 'get_logger_level', 'get_publisher_count', 'service_name',
    'wait_for_node'}
FILES = sorted([*(ROOT / 'uda_seg_ros' / 'ros').rglob('*.py'), *(ROOT / 'launch').glob('*.py')])


def newer(source: str) -> list[str]:
    """'line: name' for every use of a newer name; one asked for by hasattr or getattr stands in quotes and is fine."""
    return [f'{node.lineno}: {name}' for node in ast.walk(ast.parse(source))
            if (name := getattr(node, 'attr', getattr(node, 'id', ''))) in NEWER_THAN_HUMBLE]


def test_a_newer_name_is_found():
    assert newer('node.get_fully_qualified_node_names()\ngetattr(node, "wait_for_node", None)') == [
        '1: get_fully_qualified_node_names']


@pytest.mark.parametrize(('distribution', 'name'), [
    (None, 'FASTRTPS'), ('humble', 'FASTRTPS'), ('jazzy', 'FASTRTPS'), ('kilted', 'FASTDDS'), ('lyrical', 'FASTDDS')])
def test_fast_dds_is_told_of_the_profile_by_the_name_it_knows(monkeypatch, distribution, name):
    for variable in ('ROS_DISTRO', *PROFILE_VARIABLES):
        monkeypatch.delenv(variable, raising=False)
    if distribution:
        monkeypatch.setenv('ROS_DISTRO', distribution)
    told = {key: value for key, value in surroundings().items() if key in PROFILE_VARIABLES}
    assert told == {f'{name}_DEFAULT_PROFILES_FILE': str(ROOT / 'config' / 'fastdds.xml')}


@pytest.mark.parametrize('variable', PROFILE_VARIABLES)
def test_a_profile_that_is_set_already_stays(monkeypatch, variable):
    monkeypatch.setenv(variable, '/mine.xml')
    assert not set(surroundings()) & set(PROFILE_VARIABLES)
    assert profile_in_use() == '/mine.xml'


# An AttributeError in a timer or a callback ends the node.
@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_needs_an_rclpy_newer_than_humbles(path):
    assert newer(path.read_text(encoding='utf-8')) == []

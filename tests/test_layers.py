"""Proves who imports whom by reading the syntax trees: nothing is imported, so ROS and torch need not be there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, PROGRAM = 'uda_seg_ros', 'offline'

# A room may import rooms of the lines above its own, and itself. A new file or folder of the package belongs here.
LAYERS = (
    ('structures', 'labels', 'config', 'storage'),
    ('models', 'self_training', 'metrics', 'shift_signals', 'procedural', 'points'),
    ('bundle', 'replay', 'source_statistics'),
    ('runtime',),
    ('online', 'recordings'),
    ('import_hf', 'description', 'provenance', 'report'),
    ('streams',),
    ('evaluation',),
    ('cli',),
    ('ros',),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
IS_ROS = re.compile(r'rcl\w*|ros2\w*|rosbag2\w*|rosidl\w*|launch\w*|ament\w*|tf2\w*|cv_bridge|message_filters'
                    r'|image_transport\w*|sensor_msgs_py|\w+_msgs|\w+_srvs|\w+_interfaces')


def violations(root: Path) -> list[str]:
    """'file:line: what is wrong' for every import below `root` that the order forbids."""
    found = []
    for top in (PACKAGE, PROGRAM, 'launch'):
        for path in sorted((root / top).rglob('*.py')):
            place = path.relative_to(root)
            module = place.with_suffix('').parts
            if top == PACKAGE and module[1:] != ('__init__',) and module[1] not in RANK:
                found.append(f'{place}:1: {module[1]} is not in the order of tests/test_layers.py; place it there')
                continue
            found += [f'{place}:{line}: {wrong}' for line, name in imports(path, module)
                      if (wrong := forbidden(module, name))]
    return found


def imports(path: Path, module: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import; a relative one within the program is told by a leading dot."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(module[: len(module) - node.level]) + '.' if node.level else ''
            names = [node.module] if node.module else [alias.name for alias in node.names]
            if node.module == PACKAGE:
                names = [f'{PACKAGE}.{alias.name}' for alias in node.names]
            dot = '.' if node.level and module[0] == PROGRAM else ''
            yield from ((node.lineno, f'{dot}{base}{name}') for name in names)
        elif isinstance(node, ast.Call) and called(node) in ('import_module', '__import__'):
            yield from ((node.lineno, name.value) for name in node.args[:1] if isinstance(name, ast.Constant))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, 'id', '')


def forbidden(module: tuple[str, ...], name: str) -> str:
    """Why `module` must not import `name`, or ''."""
    top, *rest = name.lstrip('.').split('.')
    may_ros = module[0] == 'launch' or module[:2] == (PACKAGE, 'ros')
    if top == 'torchvision':
        return 'torchvision must not be imported anywhere: it links CUDA and breaks a CPU-only machine'
    if IS_ROS.fullmatch(top) and not may_ros:
        return f'{name} is ROS, which only {PACKAGE}/ros and launch may import'
    if top == PROGRAM:
        if module[0] != PROGRAM:
            return f'{name}: nothing outside {PROGRAM} may import it'
        return '' if name.startswith('.') else f'{name}: inside {PROGRAM} imports of itself are relative'
    if top == PACKAGE and rest:
        return out_of_order(module, rest[0])
    return ''


def out_of_order(module: tuple[str, ...], room: str) -> str:
    if module[0] == PROGRAM:
        return f'{PROGRAM} may import every room but ros' if room == 'ros' else ''
    if module[0] == 'launch' or room not in RANK or room == module[1]:
        return ''
    if module[1] == '__init__' or RANK[room] >= RANK[module[1]]:
        return f'{module[1]} must not import {room}: imports go downwards only'
    return ''


def test_the_import_order_holds():
    assert violations(ROOT) == []


@pytest.mark.parametrize('file, content, expected', [
    ('uda_seg_ros/bundle.py', 'import os\nfrom .runtime import engine\n', 'bundle.py:2: bundle must not import runtime'),
    ('uda_seg_ros/bundle.py', 'from .runtime.engine import Engine\n', 'bundle must not import runtime'),
    ('uda_seg_ros/bundle.py', 'from . import cli\n', 'bundle must not import cli'),
    ('uda_seg_ros/bundle.py', 'from uda_seg_ros import cli\n', 'bundle must not import cli'),
    ('uda_seg_ros/bundle.py', 'import uda_seg_ros.cli\n', 'bundle must not import cli'),
    ('uda_seg_ros/labels.py', 'from .config import ConfigError\n', 'labels must not import config'),
    ('uda_seg_ros/models/net.py', 'def f():\n    from ..bundle import Bundle\n', 'net.py:2: models must not import bundle'),
    ('uda_seg_ros/models/deep/net.py', 'from ...runtime.slot import Slot\n', 'models must not import runtime'),
    ('uda_seg_ros/models/net.py', 'import_module("uda_seg_ros.cli")\n', 'models must not import cli'),
    ('uda_seg_ros/runtime/engine.py', 'from uda_seg_ros.ros.convert import to_image\n', 'runtime must not import ros'),
    ('uda_seg_ros/__init__.py', 'from .bundle import Bundle\n', '__init__ must not import bundle'),
    ('uda_seg_ros/cli.py', 'import rclpy\n', 'cli.py:1: rclpy is ROS'),
    ('uda_seg_ros/cli.py', 'if x:\n    from sensor_msgs.msg import Image\n', 'cli.py:2: sensor_msgs'),
    ('uda_seg_ros/online/adapter.py', 'import rosbag2_py, launch_ros.actions\n', 'rosbag2_py is ROS'),
    ('uda_seg_ros/report/page.py', 'from ament_index_python.packages import x\n', 'ament_index_python'),
    ('uda_seg_ros/ros/node.py', 'import torchvision.transforms\n', 'torchvision must not'),
    ('uda_seg_ros/ros/node.py', 'from offline.recipe import Recipe\n', 'nothing outside offline'),
    ('uda_seg_ros/cli.py', 'import offline\n', 'nothing outside offline'),
    ('launch/segment.launch.py', 'import offline.recipe\n', 'nothing outside offline'),
    ('offline/train.py', 'from offline.recipe import Recipe\n', 'inside offline imports of itself are relative'),
    ('offline/train.py', 'from uda_seg_ros.ros import bag\n', 'offline may import every room but ros'),
    ('offline/train.py', 'import cv_bridge\n', 'cv_bridge is ROS'),
    ('uda_seg_ros/utils.py', '', 'utils is not in the order'),
    ('uda_seg_ros/helpers/a.py', '', 'helpers is not in the order'),
])
def test_a_planted_violation_is_named_with_file_and_line(tmp_path, file, content, expected):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(content)
    found = violations(tmp_path)
    assert found, 'not found'
    assert found[0].startswith(f'{file}:')
    assert expected in found[0]


@pytest.mark.parametrize('file, content', [
    ('uda_seg_ros/runtime/engine.py', 'from ..bundle import Bundle\nfrom .slot import Slot\nfrom . import render\n'),
    ('uda_seg_ros/models/net.py', 'from ..config import from_mapping\nfrom uda_seg_ros import labels\n'),
    ('uda_seg_ros/ros/node.py', 'import rclpy\nfrom ..runtime.engine import Engine\nfrom ..cli import main\n'),
    ('uda_seg_ros/cli.py', 'from . import __version__\nfrom rosbags.rosbag2 import Reader\n'),
    ('offline/a/b.py', 'from ..recipe import x\nfrom . import c\nfrom uda_seg_ros.runtime.engine import Engine\n'),
    ('launch/a.launch.py', 'import launch\nfrom launch_ros.actions import Node\nfrom uda_seg_ros.bundle import Bundle\n'),
])
def test_what_is_allowed_is_not_reported(tmp_path, file, content):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(content)
    assert violations(tmp_path) == []

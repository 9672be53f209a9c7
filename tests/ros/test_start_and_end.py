"""How the process starts, refuses to start, and ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from sensor_msgs.msg import Image

from uda_seg_ros.bundle import WEIGHTS

from ..conftest import ROOT
from .node_process import environment, picture


def damaged(bundle, folder):
    shutil.copytree(bundle, folder)
    with (folder / WEIGHTS).open('r+b') as file:
        file.seek(-4, 2)
        file.write(b'\xff' * 4)
    return folder


@pytest.mark.parametrize(('number', 'busy'), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGINT, True),
                                              (signal.SIGTERM, True)])
def test_a_signal_ends_the_node_cleanly(peer, start, number, busy):
    """And before launch sends a harder one, after 5 s. A computer may stand still once, but not each time."""
    masks = peer.collect(Image, 'segmentation/mask')

    def end_s() -> float:
        node = start()
        if busy:
            camera = peer.publisher(Image, 'image')
            assert peer.answer(camera, picture(1, 480, 640), masks) is not None
            camera.publish(picture(2, 1080, 1920))
            masks.clear()
        begin_s = time.monotonic()
        assert node.end(number) == 0
        assert 'Traceback' not in node.log() and 'rror' not in node.log(), node.log()
        return time.monotonic() - begin_s
    assert any(end_s() < 5 for _ in range(4))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_torch_loads_ends_the_node_cleanly(start, number):
    node = start(until='loading PyTorch')
    assert node.end(number) == 0
    assert 'Traceback' not in node.log(), node.log()


@pytest.mark.parametrize('module', [
    "exec('import os; os.kill(os.getpid(), {number})')",
    "try: exec('import os; os.kill(os.getpid(), {number})')\nexcept BaseException: raise ImportError('half loaded')",
    "try: exec('import os; os.kill(os.getpid(), {number})')\nexcept BaseException: raise RuntimeError('half loaded')",
], ids=['passed on by the import', 'made an ImportError of', 'made another error of'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_code_that_an_import_executes_ends_the_node_cleanly(start, tmp_path, module, number):
    (tmp_path / 'torch.py').write_text(module.format(number=int(number)))
    env = environment()
    node = start(until='', env={**env, 'PYTHONPATH': f'{tmp_path}{os.pathsep}{env["PYTHONPATH"]}'})
    assert node.process.wait(30) == 0, node.log()
    assert 'Traceback' not in node.log() and 'rror' not in node.log(), node.log()


@pytest.mark.parametrize(('signals', 'loaded'), [(1, True), (2, False)], ids=['one', 'two'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_a_library_is_loaded_and_a_second_one_does_not(start, tmp_path, number, signals, loaded):
    (tmp_path / 'torch.py').write_text(f"""import os
for _ in range({signals}):
    os.kill(os.getpid(), {int(number)})
open({str(tmp_path / 'loaded')!r}, 'w')
""")
    env = environment()
    node = start(until='', env={**env, 'PYTHONPATH': f'{tmp_path}{os.pathsep}{env["PYTHONPATH"]}'})
    assert node.process.wait(30) == 0, node.log()
    assert (tmp_path / 'loaded').exists() == loaded
    assert 'Traceback' not in node.log() and 'rror' not in node.log(), node.log()


@pytest.mark.parametrize(('parameters', 'words'), [
    ({'model': '/nowhere/bundle'}, '/nowhere/bundle/bundle.yaml: not found'),
    ({'model': 'DAMAGED'}, 'SHA-256 differs'),
    ({'device': 'cuda:7'}, "device 'cuda:7' is not here"),
    ({'device': 'gpu'}, "device 'gpu' is not possible"),
    ({'classes_file': '/nowhere.yaml'}, 'classes_file /nowhere.yaml: cannot be read'),
    ({'threshold': 2.0}, 'parameter threshold: 2.0 is out of range'),
    ({'half': 'yes'}, "parameter half: expected true or false, got 'yes'"),
], ids=lambda value: '-'.join(value) if isinstance(value, dict) else '')
def test_what_cannot_run_ends_with_one_clear_line_and_an_exit_code(start, tiny_bundle, tmp_path, parameters, words):
    if parameters.get('model') == 'DAMAGED':
        parameters = {'model': damaged(tiny_bundle, tmp_path / 'damaged')}
    node = start(until='', **parameters)
    assert node.process.wait(30) == 1
    assert node.log().count(words) == 1, node.log()
    assert 'Traceback' not in node.log()


@pytest.mark.parametrize(('arguments', 'words'), [
    (('--params-file', '/nowhere.yaml'), '/nowhere.yaml'),
    (('-p', 'cameras:=[front, 1]'), 'Sequence should be of same type')])
def test_arguments_that_ros_cannot_read_end_the_start_with_one_line(start, arguments, words):
    node = start(until='', arguments=arguments)
    assert node.process.wait(30) == 1
    assert 'segmentation_node: error: ' in node.log() and words in node.log()
    assert 'Traceback' not in node.log()


@pytest.mark.parametrize(('argument', 'code', 'words'), [
    ('--help', 0, 'config/segment.yaml'), ('--bundle=x', 2, 'unrecognized arguments: --bundle=x')])
def test_arguments_that_are_not_of_ros_are_answered_and_nothing_starts(argument, code, words):
    done = subprocess.run([sys.executable, '-m', 'uda_seg_ros.ros.segmentation_node', argument], cwd=ROOT, timeout=30,
                          capture_output=True, text=True)
    assert done.returncode == code and words in done.stdout + done.stderr and 'Traceback' not in done.stderr


def test_an_inactive_node_tells_how_to_start_it_once_images_wait(peer, start):
    node = start(autostart=False, until='', arguments=('-r', 'image:=lonely'))
    peer.node.create_publisher(Image, 'waiting', 1)
    other = start(autostart=False, until='', arguments=('-r', 'image:=waiting', '-r', '__node:=idle'))
    other.wait_for('/waiting has a publisher, but this node is unconfigured', 30)
    assert 'ros2 lifecycle set /idle configure && ros2 lifecycle set /idle activate' in other.log()
    assert 'has a publisher' not in node.log()


def test_two_nodes_of_one_name_are_told_of(start):
    first, second = (start(autostart=False, until='') for _ in range(2))
    for node in (first, second):
        node.wait_for('another node is named /segmentation_node')


def test_a_topic_without_publisher_is_warned_of_with_what_there_is_instead(peer, start):
    peer.node.create_publisher(Image, '/real/image_raw', 1)
    node = start(arguments=('-r', 'image:=/typo/image_raw'))
    node.wait_for('no image on /typo/image_raw for 5 s: 0 publishers', 12)
    line = next(line for line in node.log().splitlines() if 'no image on' in line)
    assert 'sensor_msgs/msg/Image, best_effort' in line
    assert '/real/image_raw (sensor_msgs/msg/Image)' in line

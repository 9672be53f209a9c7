"""The demo as a user runs it: its own process, the real node over DDS, files to look at; and every way it can fail."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

pytest.importorskip('rclpy')

from tests.conftest import ROOT
from tests.recordings.bags import STAMPS, write_ros1, write_ros2
from tests.ros.test_demo_sources import write_labels, write_pictures, write_video
from uda_seg_ros.bundle import Bundle
from uda_seg_ros.replay import GATE, REPLAY, pack

FILES = {'summary.json', 'index.html', 'overlay.webm', 'contact_sheet.jpg', 'poster.jpg', 'node.log', 'node.yaml'}
ADAPTED = {'node_adapted.log', 'node_adapted.yaml'}


def command(*arguments: object) -> list[str]:
    return [sys.executable, '-m', 'uda_seg_ros.ros.demo', *map(str, arguments)]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    return {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': path}


def demo(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=300)


def nodes_of(folder: Path) -> list[str]:
    """The command lines of running nodes that were started for this folder."""
    found = []
    for entry in Path('/proc').iterdir():
        try:
            line = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
        except OSError:
            continue
        if entry.name.isdecimal() and str(folder / 'node.yaml') in line and 'segmentation_node' in line:
            found.append(line)
    return found


INPUTS = {
    'mcap': lambda folder: (write_ros2(folder / 'drive', 'mcap'), []),
    'sqlite3': lambda folder: (write_ros2(folder / 'drive', 'sqlite3'), []),
    'ros1': lambda folder: (write_ros1(folder / 'drive.bag'), []),
    'folder': lambda folder: (write_pictures(folder / 'images'), [
        '--labels', write_labels(folder / 'labels'), '--label-space', 'camvid11', '--segments', 'dry:5,wet:7']),
    'video': lambda folder: (write_video(folder / 'drive.avi'), []),
}


@pytest.mark.parametrize('kind', INPUTS)
def test_every_kind_of_drive_goes_through_the_node_and_is_shown(kind, tiny_bundle, tmp_path):
    path, options = INPUTS[kind](tmp_path)
    out = tmp_path / 'out'
    done = demo('--input', path, '--bundle', tiny_bundle, '--out', out, '--no-adapt', *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f'Look at {out / "index.html"}'
    assert {entry.name for entry in out.iterdir()} == FILES and not nodes_of(out)
    summary = json.loads((out / 'summary.json').read_text())
    assert summary['adapted'] is None
    assert summary['frames_in'] == len(STAMPS) == summary['masks_out'] + summary['dropped']
    assert summary['masks_out'] > 0
    latency = summary['latency_ms']
    assert 0 < latency['p50'] <= latency['p95'] <= latency['p99'] < 5000
    names = {'folder': {'dry', 'wet'}, 'video': set()}.get(kind, {'drive'})
    assert set(summary['miou']) == names and all(0 <= value <= 100 for value in summary['miou'].values())
    assert sum(summary['frames_scored'].values()) == (summary['masks_out'] if names else 0)
    video = cv2.VideoCapture(str(out / 'overlay.webm'))
    assert video.get(cv2.CAP_PROP_FRAME_WIDTH) == 64 and sum(video.read()[0] for _ in range(20)) == len(STAMPS)
    assert cv2.imread(str(out / 'contact_sheet.jpg')).shape[1] > 1000


@pytest.fixture(scope='module')
def adaptable(tiny_bundle, tmp_path_factory) -> Path:
    """The same network with labelled source on board."""
    from tests.online.conftest import scene, statistics
    bundle = Bundle.load(tiny_bundle)
    replay = {**pack(map(scene, range(4)), REPLAY, 19), **pack(map(scene, range(100, 108)), GATE, 19)}
    bundle = dataclasses.replace(bundle, replay={**replay, **statistics(bundle)})
    return bundle.save(tmp_path_factory.mktemp('bundles') / 'adaptable')


def test_a_drive_is_played_frozen_and_adapting_and_both_are_shown(adaptable, tmp_path):
    out, labels = tmp_path / 'out', write_labels(tmp_path / 'labels')
    done = demo('--input', write_pictures(tmp_path / 'images'), '--labels', labels, '--label-space', 'camvid11', '--bundle',
                adaptable, '--out', out, '--segments', 'dry:5,wet:7')
    assert done.returncode == 0, done.stderr
    assert {entry.name for entry in out.iterdir()} == FILES | ADAPTED and not nodes_of(out)
    summary = json.loads((out / 'summary.json').read_text())
    adapted = summary['adapted']
    for each in (summary, adapted):
        assert each['frames_in'] == len(STAMPS) == each['masks_out'] + each['dropped']
        assert 0 < each['latency_ms']['p50'] <= each['latency_ms']['p99'] < 5000 and set(each['miou']) == {'dry', 'wet'}
    assert set(adapted['agreement']) <= {'dry', 'wet'} and adapted['learner']['state'] in ('running', 'warming')
    if not adapted['weights_versions']:  # nothing was learned in so short a drive: two nodes with the same network
        assert set(adapted['agreement'].values()) == {100.0} and 'changed nothing on this drive' in done.stdout
    html = (out / 'index.html').read_text()
    assert 'What the learner did, and why' in html and adapted['learner']['why'].split('(')[0] in html
    video = cv2.VideoCapture(str(out / 'overlay.webm'))
    assert video.get(cv2.CAP_PROP_FRAME_WIDTH) == 2 * 64 + 4 and sum(video.read()[0] for _ in range(20)) == len(STAMPS)


def test_a_network_that_cannot_adapt_is_shown_frozen_and_the_page_says_why(tiny_bundle, tmp_path):
    out = tmp_path / 'out'
    done = demo('--input', write_pictures(tmp_path / 'images'), '--bundle', tiny_bundle, '--out', out)
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / 'summary.json').read_text())
    assert summary['adapted'] is None and summary['frames_in'] == len(STAMPS)
    for text in (done.stdout, (out / 'index.html').read_text()):
        assert 'could not adapt' in text and 'needs labelled source on board' in text
    assert 'What the learner did' not in (out / 'index.html').read_text() and not nodes_of(out)


def test_compressed_images_go_through_the_node_as_they_are(tiny_bundle, tmp_path, data_root):
    path = data_root / 'samples' / 'rosbag_generated' / 'camvid_day_dusk_compressed_mcap'
    done = demo('--input', path, '--bundle', tiny_bundle, '--out', tmp_path / 'out', '--rate', 10, '--frames', 10,
                '--no-adapt')
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary['frames_in'] == 10 and (summary['width'], summary['height']) == (480, 360)
    assert summary['settings']['image transport'] == 'compressed'


def test_dropped_and_unreadable_frames_are_counted_and_told(tiny_bundle, tmp_path):
    path, out = write_pictures(tmp_path / 'images', 151, '.jpg'), tmp_path / 'out'
    (path / 'frame4.jpg').write_bytes(b'no picture')
    done = demo('--input', path, '--bundle', tiny_bundle, '--out', out, '--rate', 1000, '--no-adapt')
    assert done.returncode == 0, done.stderr
    assert '1 pictures could not be read and were skipped: frame4.jpg' in done.stdout
    summary = json.loads((out / 'summary.json').read_text())
    assert (summary['frames_in'], summary['skipped']) == (150, 1) and 0 < summary['masks_out'] < 150
    assert summary['dropped'] == 150 - summary['masks_out']
    assert f'{summary["masks_out"]} of 150 frames' in (out / 'index.html').read_text()


def _fails(done: subprocess.CompletedProcess, *words: str) -> None:
    """One line that holds these words, and exit code 2."""
    lines = [line for line in done.stderr.splitlines() if line.startswith('demo: error: ')]
    assert done.returncode == 2 and len(lines) == 1 and 'Traceback' not in done.stderr, done.stderr
    for word in words:
        assert word in lines[0]


def test_a_wrong_start_is_refused_before_anything_runs(tiny_bundle, tmp_path):
    bag = write_ros2(tmp_path / 'drive', 'mcap')
    full = tmp_path / 'full'
    full.mkdir()
    (full / 'thesis.tex').touch()
    no_camera = write_ros2(tmp_path / 'none', 'mcap', only='/camera/camera_info')
    out = tmp_path / 'out'
    _fails(demo('--input', bag, '--bundle', tiny_bundle, '--out', full), 'is not empty', '--out')
    _fails(demo('--input', bag, '--bundle', tiny_bundle, '--out', '/proc/demo'), '/proc/demo: cannot be written', '--out')
    _fails(demo('--input', bag, '--bundle', tmp_path / 'nowhere', '--out', out), 'nowhere/bundle.yaml: not found')
    _fails(demo('--input', no_camera, '--bundle', tiny_bundle, '--out', out), 'no image topic', '/camera/camera_info')
    _fails(demo('--input', tmp_path / 'gone', '--bundle', tiny_bundle, '--out', out), 'gone: not found')
    labels = write_labels(tmp_path / 'labels')
    _fails(demo('--input', bag, '--labels', labels, '--out', out), '--label-space', 'camvid11')
    assert not out.exists()


@pytest.mark.skipif(not (ROOT / '.venv').is_dir(), reason='no .venv: scripts/demo.sh would make one')
def test_the_script_takes_a_drive_and_refuses_a_full_folder_before_it_makes_one(tiny_bundle, tmp_path):
    def script(*arguments: object) -> subprocess.CompletedProcess:
        line = ['bash', str(ROOT / 'scripts' / 'demo.sh'), *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=100)

    bag = write_ros2(tmp_path / 'drive', 'mcap')
    done = script('--input', bag, '--bundle', tiny_bundle, '--out', 'result', '--no-adapt')
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == f'Look at {tmp_path / "result" / "index.html"}'
    _fails(script('--out', 'result'), 'result: is not empty')
    for wrong in (['--tpyo'], ['--out'], ['--bundle', 'nowhere', '--out', 'new'], ['--segments', 'clear', '--out', 'new']):
        refused = script(*wrong)
        assert refused.returncode == 2 and 'error: ' in refused.stderr.splitlines()[-1]
        assert 'drive stays' not in refused.stdout
    assert not (tmp_path / 'new').exists() and not (tmp_path / 'out').exists()


def test_a_damaged_bundle_ends_the_demo_with_what_the_node_says(tiny_bundle, tmp_path):
    bundle, out = tmp_path / 'bundle', tmp_path / 'out'
    shutil.copytree(tiny_bundle, bundle)
    weights = bundle / 'weights.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1])
    done = demo('--input', write_ros2(tmp_path / 'drive', 'mcap'), '--bundle', bundle, '--out', out)
    _fails(done, 'the node ended with exit code', 'SHA-256 differs', 'node.log')
    assert not nodes_of(out)


def test_a_drive_of_unreadable_images_ends_with_what_the_node_says(tiny_bundle, tmp_path):
    out = tmp_path / 'out'
    bag = write_ros2(tmp_path / 'drive', 'mcap', encoding='rgb_of_tomorrow')
    _fails(demo('--input', bag, '--bundle', tiny_bundle, '--out', out), '12 frames were sent and no mask came back',
           'rgb_of_tomorrow')
    assert not nodes_of(out)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['Ctrl-C', 'SIGTERM'])
def test_nothing_is_left_running_when_the_demo_is_ended(number, tiny_bundle, tmp_path):
    out = tmp_path / 'out'
    images = write_pictures(tmp_path / 'images')
    process = subprocess.Popen(command('--input', images, '--bundle', tiny_bundle, '--out', out, '--rate', 1), cwd=ROOT,
                               env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell may ignore it
    try:
        deadline = time.monotonic() + 30
        while not nodes_of(out) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert nodes_of(out)
        time.sleep(1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode != 0 and 'Traceback' not in errors and not nodes_of(out)

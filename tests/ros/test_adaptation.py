"""A node that learns, over DDS: what it serves, tells and answers. The learner is a stand-in."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger

from uda_seg_ros.online.persistence import SavedError, read
from uda_seg_ros.ros.adaptation import _check_cameras
from uda_seg_ros.ros.lifecycle import SetupError

from .node_process import picture
from .test_cameras import values_of

ADAPT = {'adaptation.enabled': True, 'adaptation.rank': 'normal',
         'adaptation.method': 'tests.online.workers.standin:Standin'}


@pytest.fixture(scope='module')
def stage(shared_peer, start_shared, tmp_path_factory):
    """A node that learns in a process of its own; its camera, and lists of masks, status and diagnostics."""
    folder = tmp_path_factory.mktemp('checkpoints')
    node = start_shared(**ADAPT, **{'adaptation.checkpoint_dir': folder, 'adaptation.backend': 'process',
                                    'diagnostic_updater.period': 0.2})
    peer, name = shared_peer, 'segmentation_node'
    statuses = peer.collect(DiagnosticStatus, f'{name}/adaptation/status')
    stage = SimpleNamespace(node=node, peer=peer, folder=folder, statuses=statuses,
                            masks=peer.collect(Image, 'segmentation/mask'), camera=peer.publisher(Image, 'image'),
                            diagnostics=peer.collect(DiagnosticArray, '/diagnostics'))
    stage.until = lambda reached: drive(stage, reached)
    stage.told = lambda: {pair.key: pair.value for pair in statuses[-1].values} if statuses else {}
    stage.trigger = lambda service: peer.call(Trigger, f'{name}/{service}', Trigger.Request())
    stage.pause = lambda data: peer.call(SetBool, f'{name}/pause_adaptation', SetBool.Request(data=data))
    stage.version = lambda: int(values_of(stage.diagnostics[-1], 'model')['weights version'])
    return stage


def drive(stage, reached) -> None:
    """Show pictures, each of which must be answered, until it is so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if reached():
            return
        assert stage.peer.answer(stage.camera, picture(1), stage.masks) is not None, stage.node.log()
        stage.masks.clear()
        stage.peer.spin_for(0.2)
    raise AssertionError(f'{stage.told()}\n{stage.node.log()}')


def test_a_camera_to_learn_from_that_is_none_of_the_nodes_is_told_at_configuring():
    _check_cameras({'cameras': ('front', 'left'), 'adaptation.use_cameras': ('left',)})
    for cameras, words in (('front',), "'cameras' names front"), ((), 'leave use_cameras empty'):
        with pytest.raises(SetupError, match=words):
            _check_cameras({'cameras': cameras, 'adaptation.use_cameras': ('rear',)})


def test_a_node_that_learns_tells_why_and_serves_new_weights(stage):
    stage.until(lambda: stage.told().get('state') == 'running' and int(stage.told()['step']) >= 1 and stage.version() >= 3)
    told = stage.told()
    assert (told['backend'], told['sub-state']) == ('process', 'adapt')
    assert stage.statuses[-1].message == told['why'] == f'step {told["step"]} is done'
    assert stage.statuses[-1].level == DiagnosticStatus.OK
    row = values_of(stage.diagnostics[-1], 'adaptation')
    assert row.keys() == told.keys() and int(row['weights version']) >= 3
    stage.until(lambda: 'promotion in step' in stage.node.log())
    promotions = [line.partition('adaptation: ')[2] for line in stage.node.log().splitlines() if 'promotion in step' in line]
    assert promotions and len(promotions) == len(set(promotions)), 'an event stands in the log twice'


def test_a_pause_stops_the_steps_until_it_is_lifted(stage):
    answer = stage.pause(True)
    assert answer.success and 'stays in service' in answer.message
    stage.until(lambda: stage.told().get('state') == 'paused')

    def step_of_now() -> str:
        stage.statuses.clear()
        assert stage.peer.spin_until(lambda: len(stage.statuses) >= 2)  # the first may have been on its way
        return stage.told()['step']
    step = step_of_now()
    for number in range(5):
        assert stage.peer.answer(stage.camera, picture(number), stage.masks) is not None
    assert step_of_now() == step
    assert stage.pause(False).success
    stage.until(lambda: int(stage.told()['step']) > int(step))


def test_weights_are_saved_loaded_rolled_back_and_reset_on_request(stage):
    stage.until(lambda: stage.version() >= 1)
    answer = stage.trigger('save_checkpoint')
    assert answer.success and Path(answer.message).parent == stage.folder
    stage.until(lambda: 'saved: ' in stage.node.log())
    with pytest.raises(SavedError, match='another network'):
        read(Path(answer.message), 'f' * 64)  # whole, and of the network that the node runs
    for service, words in (('rollback', 'of before'), ('reset_adaptation', 'frozen weights'),
                           ('load_checkpoint', 'adapted.safetensors')):
        version = stage.version()
        stage.until((stage.folder / 'adapted.safetensors').exists)  # it is renewed after what is taken back
        answer = stage.trigger(service)
        assert answer.success and words in answer.message
        stage.until(lambda v=version: stage.version() > v)
    stage.until(lambda: 'rolled back on request' in stage.node.log())
    stage.until(lambda: 'taken up' in stage.node.log())


def test_a_node_that_is_disabled_tells_that_its_learner_rests(stage):
    def enable(data: bool) -> SetBool.Response:
        return stage.peer.call(SetBool, 'segmentation_node/enable', SetBool.Request(data=data))
    assert enable(False).success
    assert stage.peer.spin_until(lambda: stage.statuses[-1].message == 'resting: nothing is segmented')
    assert enable(True).success
    stage.until(lambda: stage.told().get('state') == 'running')


def test_a_learner_that_is_killed_costs_no_mask_and_the_status_tells(stage):
    stage.until(lambda: stage.told().get('state') == 'running')
    os.kill(learners(stage.node)[0], signal.SIGKILL)
    stage.until(lambda: 'killed by SIGKILL' in stage.node.log())
    stage.until(lambda: stage.told()['state'] == 'running' and stage.told()['restarts'] == '1')
    assert stage.node.log().count('killed by SIGKILL') == 1


def test_the_learner_ends_with_the_node_however_that_ends(stage):
    stage.until(lambda: stage.told().get('state') == 'running')
    children = learners(stage.node)
    assert children
    stage.node.kill()
    stage.peer.spin_until(lambda: not any(Path(f'/proc/{child}').exists() for child in children))
    assert not any(Path(f'/proc/{child}').exists() for child in children)


def learners(node) -> list[int]:
    children = Path(f'/proc/{node.process.pid}/task').glob('*/children')
    return [int(pid) for path in children for pid in path.read_text().split()]


def test_a_node_that_learns_ends_cleanly_and_leaves_nothing_running(peer, start, tmp_path):
    node = start(**ADAPT, **{'adaptation.checkpoint_dir': tmp_path, 'adaptation.backend': 'process'})
    children = learners(node)
    assert children
    assert node.end() == 0 and 'Traceback' not in node.log()
    assert not any(Path(f'/proc/{child}').exists() for child in children)


def test_a_node_ends_cleanly_under_a_learner_that_computes_in_a_thread_and_does_not_end(start, tmp_path):
    """One inside PyTorch when Python ends would abort the process."""
    settings, lives = tmp_path / 'settings.yaml', tmp_path / 'lives'
    settings.write_text(f'faults: [building for ever]\nlives: {lives}\n')
    node = start(**ADAPT, **{'adaptation.checkpoint_dir': tmp_path, 'adaptation.backend': 'thread',
                             'adaptation.settings_file': settings})
    deadline = time.monotonic() + 60
    while not lives.exists():
        assert time.monotonic() < deadline, node.log()
        time.sleep(0.05)
    assert node.end() == 0 and 'terminate called' not in node.log(), node.log()


def test_what_cannot_be_rolled_back_or_saved_is_answered_at_once(peer, start):
    node = start(**ADAPT, **{'adaptation.checkpoint_dir': '/proc/kept', 'diagnostic_updater.period': 0.2})
    assert 'adaptation.checkpoint_dir: /proc/kept: cannot be made' in node.log()
    statuses = peer.collect(DiagnosticStatus, 'segmentation_node/adaptation/status')

    def told(name: str) -> str:
        return next((pair.value for pair in statuses[-1].values if pair.key == name), '') if statuses else ''

    def refused(service: str) -> str:
        answer = peer.call(Trigger, f'segmentation_node/{service}', Trigger.Request())
        return '' if answer.success else answer.message
    assert peer.spin_until(lambda: told('state') == 'running', 60), node.log()
    assert 'nothing is learned' in refused('rollback') and 'nothing is learned' in refused('save_checkpoint')
    masks, camera = peer.collect(Image, 'segmentation/mask'), peer.publisher(Image, 'image')
    assert peer.feed(lambda: camera.publish(picture()), lambda: masks and int(told('weights version')) >= 1)
    assert refused('save_checkpoint').startswith('/proc/kept: cannot be made') and not refused('rollback')


def test_with_adaptation_off_the_services_say_so_and_there_is_no_learner(peer, start):
    node = start(**{'diagnostic_updater.period': 0.2})
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
    for service in ('reset_adaptation', 'rollback', 'save_checkpoint', 'load_checkpoint'):
        answer = peer.call(Trigger, f'segmentation_node/{service}', Trigger.Request())
        assert not answer.success and 'adaptation.enabled:=true' in answer.message
    assert not peer.call(SetBool, 'segmentation_node/pause_adaptation', SetBool.Request(data=True)).success
    peer.spin_until(lambda: diagnostics)
    assert values_of(diagnostics[-1], 'adaptation') == {'state': 'off'}
    assert learners(node) == []


@pytest.mark.parametrize('wrong, words', [
    ({'adaptation.method': 'agao'}, "adaptation method 'agao' is not there"),
    ({'adaptation.settings_file': '/no/such/file'}, '/no/such/file: cannot be read'),
    ({'adaptation.settings_file': '~/no/such/file'}, f'{Path.home()}/no/such/file: cannot be read')])
def test_what_cannot_be_learned_with_is_refused_when_the_node_is_configured(start, wrong, words):
    node = start(until='', **{**ADAPT, **wrong})
    assert node.process.wait(30) == 1
    assert words in node.log() and 'Traceback' not in node.log()

"""Swaps under load, resuming from files, and what is not even imported where adaptation is off."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.models import NETWORKS
from uda_seg_ros.online.factory import Factory
from uda_seg_ros.online.persistence import pack, write
from uda_seg_ros.online.rehearsal import Rehearsal
from uda_seg_ros.online.segmenter import Segmenter
from uda_seg_ros.runtime.engine import Engine, Prepared
from uda_seg_ros.runtime.slot import Slot
from uda_seg_ros.structures import Frame, Weights

from ...conftest import ROOT
from ...runtime.conftest import Votes, votes_for
from .standin import HEAD

SWAPS = 10_000
THREAD = pytest.mark.parametrize('backend', ['thread'], indirect=True)


class Feed:
    """As a worker's keeper does it: weights prepared in a thread of their own, the newest there to take."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._slot, self.offered = engine, Slot(), 0
        self._ending, self._room = False, threading.Semaphore(2)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        ready = [self._engine.prepare(votes_for(train_id, 0)).tensors for train_id in range(19)]
        version = 0
        while not self._ending:
            version += 1
            self._room.acquire()  # two ahead, and no more: a thread that spins would keep the interpreter to itself
            self._slot.put(Prepared(version, ready[version % 19]))

    giving_way = staticmethod(nullcontext)

    def take(self):
        self._room.release()
        return self._slot.take(5)  # waits, so that every frame has a swap before it

    def offer(self, frame: Frame) -> None:
        self.offered += 1

    def close(self) -> None:
        self._ending = True
        self._room.release()
        self._thread.join()


def test_ten_thousand_swaps_under_load_leave_no_mask_of_two_versions_and_no_frame_out(monkeypatch):
    monkeypatch.setitem(NETWORKS, 'votes', Votes)
    bundle = Bundle(ModelSpec('votes'), CITYSCAPES, Preprocess(8, 16), votes_for(0, 0).tensors)
    engine = Engine(bundle, device='cpu')
    feed = Feed(engine)
    segmenter, frame, versions = Segmenter(engine, feed), Frame(np.zeros((8, 16, 3), np.uint8)), [0]
    engine.load_weights(votes_for(3, 3))
    sure = int(engine(frame).confidence[0, 0])
    try:
        for _ in range(SWAPS):
            answer = segmenter(frame)
            assert (answer.mask == answer.weights_version % 19).all()
            assert (abs(answer.confidence.astype(int) - sure) <= 1).all(), 'a vote of another version is among the sum'
            versions.append(answer.weights_version)
    finally:
        feed.close()
    assert len(set(versions)) == SWAPS + 1 and versions == sorted(versions) and feed.offered == SWAPS


def test_frames_of_other_cameras_are_segmented_and_not_learned_from(tiny_bundle):
    class Ear:
        heard: list = []  # noqa: RUF012 -- of this test alone
        giving_way = staticmethod(nullcontext)

        def take(self):
            return None

        def offer(self, frame):
            self.heard.append(frame.camera)
    segmenter = Segmenter(Engine(Bundle.load(tiny_bundle), device='cpu'), Ear(), ('front',))
    image = np.zeros((48, 64, 3), np.uint8)
    assert len(segmenter.batch([Frame(image, camera='left'), Frame(image, camera='front')])) == 2
    assert Ear.heard == ['front']


def saved(bundle: Bundle, anchor: str, turn: int = 5) -> bytes:
    turned = {name: bundle.tensors[name].roll(turn, 0) for name in HEAD}
    return bytes(pack(anchor, Weights(9, {**bundle.tensors, **turned}), {'turn': turn, 'step': 1, 'probe': torch.arange(3)}))


@THREAD
def test_weights_kept_by_one_run_are_taken_up_by_the_next_and_a_reset_forgets_them(drive, tmp_path):
    file = tmp_path / 'adapted.safetensors'
    first = drive({'file': file}, beat_s=0.05)
    first.until(lambda: first.turns and first.turns[-1] >= 3)
    first.worker.close()
    assert file.exists()
    second = drive({'file': file})
    second.until(lambda: second.worker.status.version >= 1)
    second.frame()
    assert second.turns[-1] >= first.turns[-1] and min(set(second.turns) - {0}) >= 3
    assert any(event.kind == 'resumed' for event in second.worker.status.events)
    third = drive({'file': file, 'resume': False})
    third.until(lambda: third.worker.status.version >= 1)
    assert third.turns[-1] <= 2


def test_a_learner_of_another_network_than_the_served_one_is_refused(tiny_bundle):
    assert Factory(tiny_bundle, serves=Factory(tiny_bundle).anchor()).bundle().tensors
    with pytest.raises(ConfigError, match='another network by now'):
        Factory(tiny_bundle, serves='f' * 64).bundle()


def spoiled(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@THREAD
@pytest.mark.parametrize('anchor, damage, words', [
    ('own', spoiled, 'damaged'), ('f' * 64, bytes, 'belongs to another network')])
@pytest.mark.parametrize('when', ['start', 'asked'])
def test_a_file_that_cannot_be_used_is_told_in_a_line_and_ignored(drive, tiny_bundle, tmp_path, anchor, damage, words, when):
    file = tmp_path / 'adapted.safetensors'
    own = Factory(tiny_bundle).anchor() if anchor == 'own' else anchor
    write(file, damage(saved(Bundle.load(tiny_bundle), own)))
    drive = drive({'file': file if when == 'start' else None})
    if when == 'asked':
        drive.worker.ask('load', file)
    drive.until(lambda: [event for event in drive.worker.status.events if event.kind == 'refused'])
    drive.until(lambda: drive.worker.status.version >= 2)
    text, = (event.text for event in drive.worker.status.events)
    assert words in text and str(file) in text and '\n' not in text
    assert drive.worker.status.restarts == 0 and max(drive.turns) < 5


@THREAD
def test_weights_saved_on_request_can_be_loaded_again(drive, tmp_path):
    drive = drive()
    drive.until(lambda: drive.turns and drive.turns[-1] >= 2)
    drive.worker.ask('pause')
    drive.until(lambda: drive.worker.status.condition == 'paused')
    drive.frames(10)
    turn = drive.turns[-1]
    for request, path in (('save', tmp_path / 'kept'), ('reset', None), ('load', tmp_path / 'kept'),
                          ('load', tmp_path / 'missing')):
        told = len(drive.worker.status.events)
        drive.worker.ask(request, path)
        drive.until(lambda n=told, r=request: drive.turns[-1] == 0 if r == 'reset' else len(drive.worker.status.events) > n)
        drive.frames(5)
        assert drive.turns[-1] == (0 if request == 'reset' else turn)
    assert [event.kind for event in drive.worker.status.events] == ['saved', 'resumed', 'refused']


def test_a_rehearsal_refuses_what_would_be_absurd_and_nothing_else(tiny_bundle):
    bundle = Bundle.load(tiny_bundle)
    rehearse, frame = Rehearsal(bundle), Frame(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    one_class = {**bundle.tensors, **{name: bundle.tensors[name] * 0 for name in HEAD}}
    one_class[HEAD[1]][8] = 1
    assert rehearse(Weights(1, bundle.tensors), frame) is None
    assert rehearse(Weights(2, one_class), None) is None
    assert "100% of the picture became 'vegetation'" in rehearse(Weights(3, one_class), frame)
    assert 'missing tensor' in rehearse(Weights(4, {}), frame)
    assert rehearse(Weights(5, bundle.tensors), frame) is None
    assert Rehearsal(Bundle(bundle.model, bundle.labels, bundle.preprocess, one_class))(Weights(1, one_class), frame) is None


FROZEN = '''
import sys
from pathlib import Path
import rclpy
from uda_seg_ros.ros.segmentation_node import SegmentationNode
rclpy.init(args=['x', '--ros-args', '-p', 'model:=' + sys.argv[1], '-p', 'autostart:=false'])
node = SegmentationNode()
assert node.trigger_configure() == node.trigger_activate(), 'not configured'
print(sorted(name for name in sys.modules if name.startswith('uda_seg_ros.online')))
print(Path('/proc/self/task').joinpath(str(__import__('os').getpid()), 'children').read_text().split())
'''


def test_with_adaptation_off_nothing_of_it_is_imported_and_no_process_started(tiny_bundle):
    pytest.importorskip('rclpy')
    from ...ros.node_process import environment
    answer = subprocess.run([sys.executable, '-c', FROZEN, str(tiny_bundle)], capture_output=True, text=True, timeout=60,
                            env=environment(), cwd=ROOT)
    assert answer.stdout.splitlines() == ['[]', '[]'], answer.stderr

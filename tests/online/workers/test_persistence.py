"""Adapted weights on disk: what is read is what was written, for this network, whole; everything else is told and left."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import tracemalloc

import pytest
import torch

from uda_seg_ros.online.persistence import SavedError, pack, read, unpack, write
from uda_seg_ros.storage import whole_file
from uda_seg_ros.structures import Weights

ANCHOR = 'a' * 64
WEIGHTS = Weights(7, {'head.weight': torch.randn(3, 2), 'norm.num_batches_tracked': torch.tensor(5)})
STATE = {'step': 3, 'queue': [1.5, 'two'], 'memory': {'images': torch.randint(0, 256, (2, 4, 4, 3), dtype=torch.uint8)}}


def test_what_is_read_is_what_was_written(tmp_path):
    write(tmp_path / 'new' / 'adapted.safetensors', pack(ANCHOR, WEIGHTS, STATE))
    saved = read(tmp_path / 'new' / 'adapted.safetensors', ANCHOR)
    assert saved.weights.version == 7 and saved.weights.tensors.keys() == WEIGHTS.tensors.keys()
    for name, tensor in WEIGHTS.tensors.items():
        torch.testing.assert_close(saved.weights.tensors[name], tensor, rtol=0, atol=0)
    assert (saved.state['step'], saved.state['queue']) == (3, [1.5, 'two'])
    assert torch.equal(saved.state['memory']['images'], STATE['memory']['images'])


def test_packing_copies_nothing_large_in_the_interpreters_own_memory():
    """What the interpreter copies, it copies while every other thread waits; a learner may be a thread beside inference."""
    weights = Weights(1, {str(number): torch.zeros(1 << 20) for number in range(10)})
    tracemalloc.start()
    try:
        content = pack(ANCHOR, weights, STATE)
        assert len(content) > 10 << 22 and tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def of_format_9(content: bytes) -> bytes:
    length = int.from_bytes(content[:8], 'little')
    header = json.loads(content[8:8 + length])
    header['__metadata__']['format'] = '9'
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, 'little') + packed + content[8 + length:]


@pytest.mark.parametrize('damage', [
    lambda content: b'', lambda content: b'no such file format', lambda content: content[:100],
    lambda content: content[:-4], flipped, of_format_9], ids=['empty', 'foreign', 'header', 'short', 'flipped', 'format'])
def test_damage_is_told_in_one_line_with_the_file(tmp_path, damage):
    path = tmp_path / 'adapted.safetensors'
    path.write_bytes(damage(bytes(pack(ANCHOR, WEIGHTS, STATE))))
    with pytest.raises(SavedError, match='damaged') as error:
        read(path, ANCHOR)
    assert str(path) in str(error.value) and '\n' not in str(error.value)


def test_weights_of_another_network_are_refused():
    with pytest.raises(SavedError, match='belongs to another network'):
        unpack(pack('b' * 64, WEIGHTS, STATE), ANCHOR, 'here')


def test_a_state_that_would_run_code_is_not_unpickled():
    with pytest.raises(SavedError, match='damaged'):
        unpack(pack(ANCHOR, WEIGHTS, {'evil': test_damage_is_told_in_one_line_with_the_file}), ANCHOR, 'here')


def test_a_writing_that_fails_leaves_the_file_of_before_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / 'adapted.safetensors'
    write(path, b'good')

    def full(*_):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(whole_file.os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        write(path, b'better')
    assert path.read_bytes() == b'good' and list(tmp_path.iterdir()) == [path]


def test_a_draft_of_a_killed_learner_is_cleared_away(tmp_path):
    path = tmp_path / 'adapted.safetensors'
    killed = subprocess.Popen([sys.executable, '-c', ''])
    killed.wait()
    (tmp_path / f'.{path.name}.{socket.gethostname()}-{killed.pid}.draft{path.suffix}').write_bytes(b'half')
    write(path, b'good')
    assert path.read_bytes() == b'good' and list(tmp_path.iterdir()) == [path]


def test_a_learner_that_writes_beside_another_one_leaves_its_draft_alone(tmp_path, monkeypatch):
    """A learner that was left behind in a thread, or that of another node."""
    path, half, go_on = tmp_path / 'adapted.safetensors', threading.Event(), threading.Event()
    fsync, failed = os.fsync, []

    def slow(descriptor):
        if threading.current_thread() is other and not half.is_set():
            half.set()
            assert go_on.wait(60)
        fsync(descriptor)

    def write_other():
        try:
            write(path, b'of the other')
        except OSError as error:
            failed.append(error)
    monkeypatch.setattr(os, 'fsync', slow)
    other = threading.Thread(target=write_other)
    other.start()
    assert half.wait(60)
    write(path, b'ours')
    assert path.read_bytes() == b'ours'
    go_on.set()
    other.join(60)
    assert not failed and path.read_bytes() == b'of the other' and list(tmp_path.iterdir()) == [path]

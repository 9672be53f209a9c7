"""Two processes that torchrun starts train one network: the same tensors in both, and the gradient of all pictures."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
import yaml
from safetensors.torch import load_file

from offline.training.distributed import DeviceError, World, average_statistics, joined

from ... import conftest
from .. import stand_in
from ..methods.cases import CASES
from . import distributed_run


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """Folder with what distributed_run wrote, by one process and by two."""
    out = tmp_path_factory.mktemp('distributed')
    recipe = out / 'recipe.yaml'
    recipe.write_text(yaml.safe_dump(stand_in.small_recipe()))
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'UDA_SEG_CACHE': str(out / 'cache')}
    torchrun = ['-m', 'torch.distributed.run', '--standalone', '--local-addr', '127.0.0.1', '--nproc-per-node', '2']
    for launcher in ([], torchrun):
        answer = subprocess.run([sys.executable, *launcher, '-m', distributed_run.__name__, str(recipe), str(out)],
                                cwd=conftest.ROOT, env=environment, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr[-3000:]
    return out


@pytest.mark.parametrize('name', ['plain', '0.1', '0.2', *CASES])  # the first three: see distributed_run
def test_both_processes_end_with_the_same_parameters_and_buffers(results, name):
    ours, theirs = (load_file(results / f'{name.replace("/", "-")}_{rank}_of_2.safetensors') for rank in (0, 1))
    assert ours.keys() == theirs.keys() and len(ours) > 8
    different = [key for key, tensor in ours.items() if not torch.equal(tensor, theirs[key])]
    assert different == []


def test_the_gradient_is_that_of_all_pictures_together(results):
    alone, together = (load_file(results / f'plain_0_of_{size}.safetensors') for size in (1, 2))
    for key, tensor in alone.items():
        torch.testing.assert_close(together[key], tensor, rtol=1e-4, atol=1e-5, msg=key)


def test_statistics_have_seen_the_pictures_of_both(results):
    alone, together = (load_file(results / f'0.1_0_of_{size}.safetensors') for size in (1, 2))
    name = next(key for key in alone if key.endswith('running_mean'))
    assert not torch.equal(alone[name], together[name])


def test_the_run_is_that_of_one_process(results):
    files = [{str(path.relative_to(results / run)) for path in (results / run).rglob('*')
              if path.suffix in ('.safetensors', '.png', '.json', '.jsonl', '.yaml')} for run in ('run_of_1', 'run_of_2')]
    assert files[0] == files[1]


@pytest.mark.parametrize('rank', [0, 1])
def test_no_thread_of_the_process_group_is_left(results, rank):  # one that is may abort the process while it ends
    names = (results / f'threads_{rank}_of_2').read_text()
    assert 'python' in names and 'gloo' not in names


def test_alone_nothing_is_exchanged(monkeypatch):
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    with joined('cpu') as world:
        assert world == World() and world.leads
        world.wait()
        average_statistics(torch.nn.BatchNorm2d(3), world)


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without CUDA')
def test_a_device_that_is_not_there_is_told():
    with pytest.raises(DeviceError, match='no CUDA device'), joined('cuda'):
        pass

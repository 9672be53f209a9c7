"""Recipes become runs: stages follow each other, what is finished stays, and a mistake is told in one line."""

from __future__ import annotations

import dataclasses
import json

import cv2
import pytest
import torch
import yaml

from offline.datasets import DatasetError
from offline.load_recipe import to_recipe
from offline.recipe import DataSpec
from offline.training import command as train
from offline.training import target_pass
from offline.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from offline.training.loss_history import TrainingError
from offline.training.run_folder import RunError, RunFolder
from offline.training.stage_run import Intervals
from offline.training.stages import train_recipe
from uda_seg_ros.config import ConfigError, to_mapping

from ..stand_in import NAME, StandIn, small_recipe

pytestmark = pytest.mark.usefixtures('registered', 'one_thread')
ONE_STAGE = [{'name': 'only', 'method': NAME, 'steps': 4}]


def recipe(**changes):
    return to_recipe(small_recipe(**changes), 'small')


def fit(out, resume=False, **changes):
    return train_recipe(recipe(**changes), out, resume=resume, device='cpu', report=lambda line: None,
                        intervals=Intervals(log=2, checkpoint_s=0))


@pytest.fixture(scope='module')
def finished():
    return {}


@pytest.fixture
def run(finished, tmp_path_factory) -> RunFolder:
    """Trained once; read only."""
    if not finished:
        finished['run'] = fit(tmp_path_factory.mktemp('runs') / 'run')
    return finished['run']


def test_a_run_holds_what_it_promises(run):
    summary = run.summary()
    assert summary['seed'] == 1 and summary['recipe']['stages'][0]['name'] == 'first'
    assert {'python', 'torch', 'numpy', 'opencv'} == set(summary['versions'])
    for stage in run.stages():
        numbers = summary['stages'][stage.stage.name]
        assert numbers['done'] and numbers['steps'] == 5 and numbers['images_per_s'] > 0 and numbers['minutes'] > 0
        names = sorted(path.name for path in stage.path.iterdir())
        assert names == ['log.jsonl', 'networks', 'pseudo_labels', 'tensorboard']
        logged = [json.loads(line) for line in (stage.path / 'log.jsonl').read_text().splitlines()]
        assert [entry['step'] for entry in logged] == [1, 2, 3, 4, 5]  # a checkpoint after every step asks for each
        assert {'source', 'target', 'discriminator', 'gradient of main', 'rate', 'images_per_s'} < set(logged[0])
    assert run.recipe() == recipe()


def test_networks_can_be_read_by_whoever_can_read_the_run(run):
    for path in run.path.glob('*/networks/*'):
        assert path.stat().st_mode == (run.path / 'recipe.yaml').stat().st_mode


def test_the_run_becomes_a_bundle(run):
    bundle = run.bundle()
    network = bundle.network()
    assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 19, 8, 12)
    assert bundle.provenance['stage'] == 'second' and bundle.preprocess.height == 64
    tensors = run.part('student', 'second')
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize('ask, expected', [
    (lambda run: run.part('studnet'), "no part 'studnet' (did you mean 'student'?)"),
    (lambda run: run.part('student', 'frist'), "no stage 'frist' (did you mean 'first'?)"),
    (lambda run: run.network_spec('teacher'), "no network 'teacher'"),
    (lambda run: RunFolder(run.path / 'nowhere'), 'not a run'),
])
def test_what_a_run_does_not_hold_is_told(run, ask, expected):
    with pytest.raises(RunError) as error:
        ask(run)
    assert expected in str(error.value)


def test_a_stage_starts_where_an_earlier_one_ended(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(StandIn, 'prepare', lambda self, target: begun.append(
        {name: tensor.clone() for name, tensor in self.state_dict().items()}))
    run = fit(tmp_path / 'run')
    for name, tensor in run.part('teacher', 'first').items():  # the recipe says student: previous.teacher
        assert torch.equal(begun[1][f'networks.student.{name}'], tensor)
    assert torch.equal(begun[1]['discriminator.weight'], run.part('discriminator', 'first')['weight'])


def test_pseudo_labels_lie_over_the_whole_target_set(run):
    folder = run.stage('first').pseudo_labels
    pictures = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.iterdir())]
    assert len(pictures) == 3 and all(picture.shape == (32, 96) and picture.max() < 19 for picture in pictures)


def test_a_finished_stage_is_not_trained_again(run, monkeypatch):
    monkeypatch.setattr(target_pass, 'autocast', None)
    monkeypatch.setattr(StandIn, 'forward', None)
    assert fit(run.path, resume=True).summary()['stages']['second']['done']


def test_without_resume_a_run_is_not_touched(run):
    with pytest.raises(RunError, match='there is a run already; add --resume'):
        fit(run.path)


@pytest.mark.parametrize('resume', [False, True])
def test_a_run_that_ended_before_anything_was_saved_begins_anew(tmp_path, resume):
    wrong = recipe(stages=ONE_STAGE)
    wrong = dataclasses.replace(wrong, data=dataclasses.replace(wrong.data, target=(DataSpec('folder', '/no/such'),)))
    with pytest.raises(DatasetError, match='no such folder'):
        train_recipe(wrong, tmp_path / 'run', device='cpu', report=lambda line: None)
    run = fit(tmp_path / 'run', resume=resume, stages=ONE_STAGE)
    assert run.stage().done and run.recipe() == recipe(stages=ONE_STAGE)
    assert run.summary()['recipe']['data'] == to_mapping(recipe().data)


@pytest.mark.parametrize('before', [False, True])
def test_a_checkpoint_that_finds_no_room_is_told_and_the_one_before_stays(tmp_path, monkeypatch, before):
    path = tmp_path / 'checkpoint.pt'
    if before:
        save_checkpoint(path, {'step': 1})

    def full(state, draft):
        draft.write_bytes(b'PK')
        raise RuntimeError('[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0')  # torch's on a full disk
    monkeypatch.setattr(torch, 'save', full)
    kept = 'before it is kept' if before else 'there is none before it'
    with pytest.raises(CheckpointError, match=fr'checkpoint\.pt: cannot be written; \d+ MB were free.*{kept}.*--resume'):
        save_checkpoint(path, {'step': 2})
    assert [file.name for file in tmp_path.iterdir()] == ['checkpoint.pt'] * before
    assert not before or load_checkpoint(path) == {'step': 1}


def test_a_changed_recipe_is_not_resumed(run):
    with pytest.raises(RunError, match=r'optimiser\.lr was 0\.001, is 0\.002'):
        fit(run.path, resume=True, optimiser={'lr': 2e-3, 'clip': 10.0})


def test_more_workers_are_no_other_recipe(run):
    fit(run.path, resume=True, loader={'batch': 2, 'crop': [32, 64], 'workers': 1})


def test_steps_caps_every_stage(tmp_path):
    run = train_recipe(recipe(), tmp_path / 'run', device='cpu', report=lambda line: None, max_steps=1)
    assert [stage.stage.steps for stage in run.stages()] == [1, 1]


def test_the_network_of_a_role_begins_alike_in_every_stage(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(StandIn, 'prepare', lambda self, target: begun.append(
        {name: tensor.clone() for name, tensor in self.student.state_dict().items()}))
    fit(tmp_path / 'run', stages=[{'name': name, 'method': NAME, 'steps': 1} for name in 'ab'])
    assert all(torch.equal(tensor, begun[1][name]) for name, tensor in begun[0].items())


def test_a_loss_that_explodes_keeps_the_last_good_checkpoint(tmp_path):
    stages = [{'name': 'only', 'method': NAME, 'steps': 6, 'config': {'explode_at': 3}}]
    with pytest.raises(TrainingError) as error:
        fit(tmp_path / 'run', stages=stages)
    assert '00_only: step 3: target is inf; the checkpoint of step 3 is kept' in str(error.value)
    state = torch.load(tmp_path / 'run' / '00_only' / 'checkpoint.pt', weights_only=True)
    assert state['trainer']['step'] == 3
    assert all(tensor.isfinite().all() for tensor in state['trainer']['method'].values())


def test_a_part_that_does_not_fit_is_found_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(StandIn, 'forward', None)
    stages = [*ONE_STAGE, {'name': 'wide', 'method': NAME, 'steps': 1, 'init': {'student': 'only.student'},
                           'networks': {'student': {'name': 'fast_scnn', 'settings': {'width': 0.5}}}}]
    with pytest.raises(ConfigError, match=r'stage wide: init: student: only\.student: \d+ tensors do not fit'):
        fit(tmp_path / 'run', stages=stages)


@pytest.mark.parametrize('init, expected', [
    ({'student': 'only.studnet'}, "stage only has no part 'studnet' \\(did you mean 'student'"),
    ({'techer': 'only.teacher'}, "stand_in has no part 'techer' \\(did you mean 'teacher'"),
])
def test_an_unknown_part_is_named(tmp_path, init, expected):
    with pytest.raises(ConfigError, match=expected):
        fit(tmp_path / 'run', stages=[*ONE_STAGE, {'name': 'next', 'method': NAME, 'steps': 1, 'init': init}])


def test_a_damaged_checkpoint_is_told(tmp_path, monkeypatch):
    with pytest.raises(TrainingError):
        fit(tmp_path / 'run', stages=[{**ONE_STAGE[0], 'config': {'explode_at': 1}}])
    path = tmp_path / 'run' / '00_only' / 'checkpoint.pt'
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r'checkpoint\.pt: cannot be read'):
        fit(tmp_path / 'run', resume=True, stages=[{**ONE_STAGE[0], 'config': {'explode_at': 1}}])


def test_the_command_trains_and_tells_errors_in_one_line(tmp_path, capsys):
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(small_recipe(stages=ONE_STAGE)))
    arguments = [str(path), '--out', str(tmp_path / 'run'), '--device', 'cpu', '--steps', '1']
    assert train.main(arguments) == 0
    assert 'step 1/1' in capsys.readouterr().out
    for wrong in (arguments, [*arguments, '--set', 'loader.bach=1'], [*arguments, '--resume', '--set', 'seed=2']):
        assert train.main(wrong) == 1
        assert capsys.readouterr().err.startswith('error: ')

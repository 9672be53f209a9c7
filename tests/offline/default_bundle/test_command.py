"""The recipe runs from end to end, the same for the same seed; and the committed bundle is what it says it is."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import torch
import yaml

from offline.default_bundle import command
from offline.default_bundle.memory import AMOUNTS, drives_of
from offline.default_bundle.recipe import RECIPES, load_recipe
from offline.evaluate import confusion_of
from offline.synthesize.drives import Drives, frames_of, rendered
from uda_seg_ros.bundle import Bundle, default_bundle
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.metrics import mean_iou
from uda_seg_ros.replay import GATE, REPLAY, Crops
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.source_statistics import SourceStatistics

SMALL = {
    'seed': 3,
    'network': {'name': 'fast_scnn', 'settings': {'width': 0.25}},
    'preprocess': {'height': 96, 'width': 160},
    'train': {'town': 'town_a', 'weather': 'clear', 'seeds': [0], 'frames': 8},
    'augmentation': {'crop': [96, 160], 'scale': [0.4, 0.6]},
    'training': {'steps': 60, 'batch': 2, 'rate': 0.005, 'warmup': 5},
    'evaluate': {'same drive': {'town': 'town_a', 'weather': 'clear', 'seeds': [0], 'frames': 3}},
}


@pytest.fixture
def recipe_path(tmp_path):
    path = tmp_path / 'small.yaml'
    path.write_text(yaml.safe_dump(SMALL))
    return path


def test_a_short_training_learns_and_repeats_itself_exactly(recipe_path, tmp_path):
    recipe, lines = load_recipe(recipe_path), []
    first = command.make_bundle(recipe, tmp_path, lines.append)
    again = command.make_bundle(recipe, tmp_path, lines.append)
    assert all(torch.equal(tensor, again.tensors[name]) for name, tensor in first.tensors.items())
    assert first.provenance['miou_percent']['same drive'] > 8  # road, building, sky and little else; untrained: about 1
    assert any('step 60/60' in line for line in lines)


def test_the_command_writes_a_bundle_with_its_provenance(recipe_path, tmp_path, capsys):
    out = tmp_path / 'bundle'
    assert command.main(['--recipe', str(recipe_path), '--out', str(out), '--work', str(tmp_path)]) == 0
    provenance = Bundle.load(out).provenance
    assert provenance['recipe'] == 'small.yaml' and provenance['seed'] == 3 and 'same drive' in provenance['miou_percent']
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in out.iterdir())  # for others to read
    assert command.main(['--recipe', str(recipe_path), '--out', str(out)]) == 1
    assert 'exists already' in capsys.readouterr().err


def test_a_trained_bundle_gets_its_memory_anew_and_keeps_every_byte_of_its_weights(recipe_path, tmp_path, capsys):
    out, again, foreign = (tmp_path / name for name in ('bundle', 'again', 'foreign'))
    base = ['--recipe', str(recipe_path), '--work', str(tmp_path)]
    assert command.main([*base, '--out', str(out)]) == 0
    assert command.main([*base, '--out', str(again), '--trained', str(out)]) == 0
    for name in ('weights.safetensors', 'replay.safetensors'):
        assert (out / name).read_bytes() == (again / name).read_bytes()
    assert command.main([*base, '--out', str(foreign), '--trained', str(default_bundle())]) == 1
    assert 'was not made by' in capsys.readouterr().err and not foreign.exists()


def test_the_program_lists_the_command():
    answer = subprocess.run([sys.executable, '-m', 'offline', '--help'], capture_output=True, text=True, check=True)
    assert 'default-bundle' in answer.stdout


@pytest.mark.parametrize('change, words', [
    ({'traning': {}}, "did you mean 'training'"), ({'evaluate': {'x': {'town': 'town_a'}}}, 'evaluate: x: missing key'),
    ({'train': {**SMALL['train'], 'frames': 0}}, 'frames of 1 or more')])
def test_a_wrong_recipe_is_refused_in_words(tmp_path, change, words):
    path = tmp_path / 'wrong.yaml'
    path.write_text(yaml.safe_dump({**SMALL, **change}))
    with pytest.raises(ConfigError, match=words):
        load_recipe(path)


def test_rendered_drives_are_read_again_and_equal_the_drive(tmp_path):
    drives = Drives('town_a', 'fog:0.5:1', (4,), 2)
    images, labels = rendered(drives, tmp_path)
    before = sorted(tmp_path.rglob('*.npy'))
    again = rendered(drives, tmp_path)[0]
    assert sorted(tmp_path.rglob('*.npy')) == before and (images == again).all()
    for index, (image, label) in enumerate(frames_of(drives)):
        assert (images[index] == image).all() and (labels[index] == label).all()


def test_the_default_bundle_is_small_and_says_how_it_was_made_and_how_well_it_does():
    folder = default_bundle()
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10e6
    bundle = Bundle.load(folder)
    assert bundle.labels == CITYSCAPES and bundle.model.name == 'fast_scnn'
    recipe = load_recipe(RECIPES / bundle.provenance['recipe'])
    assert set(bundle.provenance['miou_percent']) == set(recipe.evaluate)
    assert bundle.provenance['recipe_sha256'] == command._sha256(RECIPES / bundle.provenance['recipe'])


def test_the_default_bundle_carries_what_adaptation_needs_and_judges_by_drives_it_never_saw():
    bundle = Bundle.load(default_bundle())
    assert (default_bundle() / 'replay.safetensors').stat().st_size < 5e6
    assert (len(Crops(bundle.replay, REPLAY)), len(Crops(bundle.replay, GATE))) == (AMOUNTS.replay, AMOUNTS.gate)
    assert SourceStatistics.of(bundle.replay).num_pictures >= 200
    recipe = load_recipe(RECIPES / bundle.provenance['recipe'])
    source, gate = drives_of(recipe)
    scored = {seed for drives in recipe.evaluate.values() for seed in drives.seeds}
    assert set(source.seeds) == set(recipe.train.seeds) and not set(gate.seeds) & (set(recipe.train.seeds) | scored)


def test_the_default_bundle_scores_near_its_word_on_fresh_frames():
    bundle = Bundle.load(default_bundle())
    measured = bundle.provenance['miou_percent']['clear town_a']
    matrix = confusion_of(Engine(bundle, device='cpu'), frames_of(Drives('town_a', 'clear', (2001, 2002), 8, fps=0.5)))
    assert 100 * mean_iou(matrix) > 0.75 * measured


def test_the_demo_drives_where_the_default_bundle_was_never_trained():
    recipe = load_recipe(RECIPES / 'default_bundle.yaml')
    script = (RECIPES.parent.parent / 'scripts' / 'demo.sh').read_text()
    seed = int(re.search(r'--town town_a --seed (\d+)', script)[1])
    assert recipe.train.town == 'town_a' and seed not in recipe.train.seeds

"""The recipes that come with the program: all are read, say what the papers say, and train."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from offline import recipe as recipe_module
from offline.load_recipe import load_recipe
from offline.training.stages import train_recipe
from uda_seg_ros.labels import LABEL_SPACES

from . import format_samples

RECIPES = sorted((Path(recipe_module.__file__).parent / 'recipes').glob('*_to_*.yaml'))
STUDENT = 'networks.student={name: fast_scnn, settings: {width: 0.25}}'
SMALL = {
    'dakd': [STUDENT, 'networks.teacher={name: fast_scnn, settings: {width: 0.25}}',
             'stages.0.networks.student={name: fast_scnn, settings: {width: 0.25}}',
             *(f'stages.{i}.config.adaptation.discriminator_width=4' for i in range(3))],
    'diga': [STUDENT, 'stages.translate.config.width=4', *(
        f'stages.{name}.config.translator_width=4' for name in ('warm_up', 'first_round', 'second_round'))],
    'diga_plain': [STUDENT],
    'bkd': [STUDENT],
    'duda': [STUDENT, *(f'networks.{role}={{name: fast_scnn, settings: {{width: 0.5}}}}' for role in ('large', 'teacher'))],
}


def method_of(path: Path) -> str:
    return next(name for name in sorted(SMALL, key=len, reverse=True) if path.stem.endswith(f'_{name}'))


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_read(path):
    recipe = load_recipe(path)
    source, target = path.stem.removesuffix(f'_{method_of(path)}').split('_to_')
    assert recipe.data.source[0].kind.startswith(source) and recipe.data.target[0].kind == target
    assert recipe.data.labels == ('synthia16' if source == 'synthia' else 'cityscapes19')
    assert recipe.data.evaluate and all(spec.options['split'] == 'val' for spec in recipe.data.evaluate.values())


@pytest.mark.parametrize('path', [path for path in RECIPES if method_of(path) == 'duda'], ids=lambda path: path.stem)
def test_things_are_the_same_classes_in_every_label_space(path):
    recipe = load_recipe(path)
    names = LABEL_SPACES[recipe.data.labels].names
    things = {names[train_id] for train_id in recipe.stages[0].config['thing_classes']}
    assert things == {'traffic light', 'traffic sign', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle',
                      'bicycle'} & set(names)


def test_there_is_a_recipe_for_every_method_on_both_benchmarks():
    benchmarks = {f'{source}_to_cityscapes_{method}' for source in ('gta5', 'synthia')
                  for method in ('dakd', 'diga', 'bkd', 'duda')}
    others = {'bdd_to_cityscapes_dakd', 'cityscapes_to_acdc_duda', 'gta5_to_cityscapes_diga_plain'}
    assert {path.stem for path in RECIPES} == benchmarks | others


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_a_recipe_trains_two_steps_of_every_stage_on_samples_of_its_data(tmp_path, monkeypatch, path):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    torch.set_num_threads(1)
    data = format_samples.write(tmp_path / 'data')
    plain = load_recipe(path)
    kinds = {'source': plain.data.source[0].kind, 'target': plain.data.target[0].kind}
    assignments = [*(f'data.{side}={data[kind]}' for side, kind in kinds.items()), *SMALL[method_of(path)]]
    sizes = {'batch': 2, 'crop': [64, 96], 'source_height': 64, 'target_height': 64, 'workers': 0, 'cache_mb': 0}
    places = ['loader', *(f'stages.{i}.loader' for i, stage in enumerate(plain.stages) if stage.loader)]
    assignments += [f'{place}.{key}={value}' for place in places for key, value in sizes.items()]
    run = train_recipe(load_recipe(path, assignments), tmp_path / 'run', max_steps=2, device='cpu', report=lambda line: None)
    assert [stage.done for stage in run.stages()] == [True] * len(plain.stages)
    assert all(tensor.isfinite().all() for tensor in run.part('student').values() if tensor.is_floating_point())
    assert all(math.isfinite(stage['minutes']) for stage in run.summary()['stages'].values())

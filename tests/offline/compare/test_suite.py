"""A suite lays each method over the shared recipe, in an order that gives everyone what it starts from."""

from __future__ import annotations

import pytest
import yaml

from offline.compare.suite import load_suite
from uda_seg_ros.config import ConfigError

SMALL = {
    'title': 'small', 'seeds': [0, 1], 'score': 'target',
    'recipe': {'stages': [{'name': 'a', 'method': 'source_only', 'steps': 10}],
               'loader': {'batch': 2, 'crop': [64, 64]},
               'networks': {'student': {'name': 'fast_scnn', 'weights': 'method:source_only'}}},
    'methods': {
        'distilled': {'networks': {'teacher': {'name': 'fast_scnn', 'weights': 'method:adapted.teacher'}},
                      'stages': [{'name': 'a', 'method': 'dakd', 'steps': 10}]},
        'source_only': {'loader': {'batch': 4}, 'networks': {'student': {'weights': ''}}},
        'adapted': {},
        'supervised': {},
    },
    'smoke': {'seeds': [7], 'steps': 0.26, 'recipe': {'loader': {'crop': [32, 32]}}},
}


def suite_of(tmp_path, smoke=False, **change):
    path = tmp_path / 'suite.yaml'
    path.write_text(yaml.safe_dump({**SMALL, **change}))
    return load_suite(path, smoke)


def test_a_method_is_laid_over_the_recipe_and_starts_from_results_of_its_own_seed(tmp_path):
    recipe = suite_of(tmp_path).recipe_of('distilled', 1, tmp_path / 'runs')
    assert recipe['seed'] == 1 and recipe['loader'] == {'batch': 2, 'crop': [64, 64]}
    assert recipe['networks']['student'] == {'name': 'fast_scnn', 'weights': f'run:{tmp_path}/runs/source_only/seed_1'}
    assert recipe['networks']['teacher']['weights'] == f'run:{tmp_path}/runs/adapted/seed_1#teacher'


def test_each_method_comes_after_all_it_needs(tmp_path):
    suite = suite_of(tmp_path)
    assert suite.in_order(('distilled',)) == ['source_only', 'adapted', 'distilled']
    order = suite.in_order(tuple(suite.methods))
    assert sorted(order) == sorted(suite.methods)
    assert all(order.index(need) < order.index(name) for name in order for need in suite.needs(name))


def test_smoke_is_laid_over_seeds_and_recipe(tmp_path):
    suite = suite_of(tmp_path, smoke=True)
    assert suite.recipe_of('adapted', 7, tmp_path)['stages'][0]['steps'] == 3
    assert suite.seeds == (7,) and suite.recipe['loader'] == {'batch': 2, 'crop': [32, 32]}


@pytest.mark.parametrize('change, words', [
    ({'seeds': []}, 'at least one seed'), ({'sedes': [1]}, "did you mean 'seeds'"),
    ({'floor': 'source-only'}, "did you mean 'source_only'"),
    ({'methods': {**SMALL['methods'], 'adapted': {'networks': {'student': {'weights': 'method:sorce_only'}}}}},
     "adapted: no method 'sorce_only' \\(did you mean 'source_only'"),
    ({'methods': {**SMALL['methods'], 'source_only': {'x': 'method:adapted'}}}, 'a circle')])
def test_a_wrong_suite_is_refused_in_words(tmp_path, change, words):
    with pytest.raises(ConfigError, match=words):
        suite_of(tmp_path, **change)


def test_a_missing_suite_names_those_that_come_with_the_project(tmp_path):
    with pytest.raises(ConfigError, match=r'suites that come with the project, in .*: .*town_a_to_town_b'):
        load_suite(tmp_path / 'none.yaml')

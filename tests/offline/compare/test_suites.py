"""The suites that come with the project: every training of each can be read, and starts from networks that fit."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from offline.compare.run import planned
from offline.compare.suite import DATA, SUITES, load_suite
from offline.training.stages import check_stages
from uda_seg_ros.config import ConfigError

NAMED = sorted(SUITES.glob('*.yaml'))


DATA_FOLDER = Path('/folder/of/data')


@functools.cache
def recipes(path, smoke):
    """(suite, recipe by method); no file of data is opened."""
    suite = load_suite(path, smoke, DATA_FOLDER)
    return suite, {method: planned(suite, method, 0, Path('out')) for method in suite.methods}


each = pytest.mark.parametrize('path', NAMED, ids=lambda path: path.stem)


@pytest.mark.parametrize('smoke', [False, True], ids=['full', 'smoke'])
@each
def test_every_training_of_a_suite_is_a_recipe(path, smoke):
    suite, known = recipes(path, smoke)
    for recipe in known.values():
        assert {suite.score, 'source'} <= recipe.data.evaluate.keys()
        data = [*recipe.data.source, *recipe.data.target, *recipe.data.evaluate.values()]
        assert all(spec.kind == 'procedural' or spec.path.startswith(str(DATA_FOLDER)) for spec in data)


@each
def test_training_never_sees_what_is_scored(path):
    suite, known = recipes(path, False)
    for method, recipe in known.items():
        scored = recipe.data.evaluate[suite.score]
        for spec in (*recipe.data.source, *recipe.data.target):
            assert spec.kind != scored.kind or not set(seen(spec)) & set(seen(scored)), method


def seen(spec):
    return spec.options['seeds'] if spec.kind == 'procedural' else [spec.options['split']]


@each
def test_the_methods_that_count_start_from_the_same_student(path):
    suite, known = recipes(path, False)
    for method in suite.methods.keys() - set(suite.aside):
        start = known[method].networks['student'].weights
        while not start.endswith('runs/student_source/seed_0'):  # from one that is aside, and started there
            before = start.split('/')[-2]
            assert before in suite.aside
            start = known[before].networks['student'].weights


@pytest.mark.parametrize('name', ['camvid_day_to_dusk', 'town_a_to_camvid_day'])
def test_without_a_folder_of_data_it_says_what_to_do(name, monkeypatch):
    monkeypatch.delenv(DATA, raising=False)
    with pytest.raises(ConfigError, match=r'say in which folder they are by --data FOLDER, or by .* UDA_SEG_DATA'):
        load_suite(SUITES / f'{name}.yaml')


def test_the_pascal_weights_fit_both_networks(data_root, tmp_path):
    suite = load_suite(SUITES / 'camvid_day_to_dusk.yaml', data=data_root)
    for method in ('student_source', 'large_source'):
        check_stages(planned(suite, method, 0, tmp_path))

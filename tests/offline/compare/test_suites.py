"""The suites that come with the project: every training of each can be read, and starts from networks that fit."""

from __future__ import annotations

import pytest

from offline.compare.run import planned
from offline.compare.suite import DATA, SUITES, load_suite
from offline.training.stages import check_stages
from uda_seg_ros.config import ConfigError

NAMED = sorted(SUITES.glob('*.yaml'))


@pytest.mark.parametrize('smoke', [False, True], ids=['full', 'smoke'])
@pytest.mark.parametrize('path', NAMED, ids=lambda path: path.stem)
def test_every_training_of_a_suite_is_a_recipe(path, smoke, tmp_path):
    suite = load_suite(path, smoke, tmp_path)
    for method in suite.methods:
        recipe = planned(suite, method, suite.seeds[0], tmp_path)
        assert {suite.score, 'source'} <= recipe.data.evaluate.keys()
        data = [*recipe.data.source, *recipe.data.target, *recipe.data.evaluate.values()]
        assert all(spec.kind == 'procedural' or str(tmp_path) in spec.path for spec in data)


@pytest.mark.parametrize('path', NAMED, ids=lambda path: path.stem)
def test_training_never_sees_what_is_scored(path, tmp_path):
    suite = load_suite(path, data=tmp_path)
    for method in suite.methods:
        data = planned(suite, method, 0, tmp_path).data
        scored = data.evaluate[suite.score]
        for spec in (*data.source, *data.target):
            assert spec.kind != scored.kind or not set(seen(spec)) & set(seen(scored)), method


def seen(spec):
    return spec.options['seeds'] if spec.kind == 'procedural' else [spec.options['split']]


@pytest.mark.parametrize('path', NAMED, ids=lambda path: path.stem)
def test_the_methods_that_count_start_from_the_same_student(path, tmp_path):
    suite = load_suite(path, data=tmp_path)
    for method in suite.methods.keys() - set(suite.aside):
        assert planned(suite, method, 3, tmp_path).networks['student'].weights.endswith('runs/student_source/seed_3')


@pytest.mark.parametrize('name', ['camvid_day_to_dusk', 'town_a_to_camvid_day'])
def test_without_a_folder_of_data_it_says_what_to_do(name, monkeypatch):
    monkeypatch.delenv(DATA, raising=False)
    with pytest.raises(ConfigError, match=r'say in which folder they are by --data FOLDER, or by .* UDA_SEG_DATA'):
        load_suite(SUITES / f'{name}.yaml')


def test_the_pascal_weights_fit_both_networks(data_root, tmp_path):
    suite = load_suite(SUITES / 'camvid_day_to_dusk.yaml', data=data_root)
    for method in ('student_source', 'large_source'):
        check_stages(planned(suite, method, 0, tmp_path))

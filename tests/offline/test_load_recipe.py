"""Recipes are read strictly: what is mistyped is named, with the place and the nearest valid word."""

from __future__ import annotations

import pytest
import yaml

from offline.load_recipe import as_yaml, load_recipe
from offline.recipe import DataSpec, NetworkSpec, Optimiser
from uda_seg_ros.config import ConfigError

from .stand_in import NAME, small_recipe

pytestmark = pytest.mark.usefixtures('registered')


def write(folder, name='recipe.yaml', **changes):
    path = folder / name
    path.write_text(yaml.safe_dump(small_recipe(**changes)))
    return path


def test_a_recipe_becomes_what_the_program_uses(tmp_path):
    recipe = load_recipe(write(tmp_path))
    assert recipe.networks['student'] == NetworkSpec('fast_scnn', {'width': 0.25})
    assert recipe.data.source[0].kind == 'procedural' and recipe.loader.crop == (32, 64)
    assert recipe.optimiser == Optimiser(lr=1e-3, clip=10.0)
    assert recipe.discriminator == Optimiser('adamw', 1e-4, 1.0, 0.0, betas=(0.9, 0.99))  # DAKD's
    assert recipe.stages[1].init == {'student': 'first.teacher', 'discriminator': 'first.discriminator'}
    assert recipe.stages[0].config == {'noise': 0.1, 'explode_at': None}  # defaults are spelt out


def test_what_is_written_down_is_read_back(tmp_path):
    recipe = load_recipe(write(tmp_path))
    (tmp_path / 'again.yaml').write_text(as_yaml(recipe))
    assert load_recipe(tmp_path / 'again.yaml') == recipe


@pytest.mark.parametrize('changes, expected', [
    ({'sed': 1}, "unknown key 'sed' (did you mean 'seed'?)"),
    ({'loader': {'batch': 2, 'crop': [8, 8], 'worker': 1}}, "loader: unknown key 'worker' (did you mean 'workers'?)"),
    ({'loader': {'crop': [8, 8]}}, "loader: missing key 'batch'"),
    ({'optimiser': {'lr': 'much'}}, "optimiser: lr: expected float, got 'much'"),
    ({'networks': {'student': 'fast_scn'}}, "networks: student: unknown network 'fast_scn' (did you mean 'fast_scnn'?)"),
    ({'networks': {'student': {'name': 'fast_scnn', 'settings': {'widht': 1}}}}, "(did you mean 'width'?)"),
    ({'networks': {'teacher': 'fast_scnn'}}, "method 'stand_in' needs a network for 'student'; given: teacher"),
    ({'data': {'labels': 'cityscape19', 'source': 'procedural?town=town_a'}}, "(did you mean 'cityscapes19'?)"),
    ({'data': {'labels': 'cityscapes19', 'source': 'procedurall?town=town_a'}}, 'source[0]: unknown kind of data'),
    ({'stages': []}, 'stages: at least one is needed'),
    ({'stages': [{'name': 'a', 'method': 'stand_on', 'steps': 1}]}, "stages[0] (a): method: unknown method 'stand_on'"),
    ({'stages': [{'name': 'a', 'method': NAME, 'steps': 0}]}, 'steps must be 1 or more'),
    ({'stages': [{'name': 'a', 'method': NAME, 'steps': 1, 'config': {'nois': 1.0}}]},
     "stages[0] (a): config: unknown key 'nois' (did you mean 'noise'?)"),
    ({'stages': [{'name': 'a', 'method': NAME, 'steps': 1, 'init': {'student': 'previous.student'}}]},
     "init: student: no earlier stage is called 'previous'"),
    ({'stages': [{'name': 'a', 'method': NAME, 'steps': 1}, {'name': 'a', 'method': NAME, 'steps': 1}]}, 'the only one'),
    ({'stages': [{'name': '../a', 'method': NAME, 'steps': 1}]}, 'letters, digits'),
])
def test_what_is_wrong_is_named_with_its_place(tmp_path, changes, expected):
    path = write(tmp_path, **changes)
    with pytest.raises(ConfigError) as error:
        load_recipe(path)
    assert str(error.value).startswith(f'{path}: ')
    assert expected in str(error.value)
    assert '\n' not in str(error.value)


def test_a_key_that_stands_twice_is_an_error(tmp_path):
    (tmp_path / 'twice.yaml').write_text('seed: 1\nseed: 2\n')
    with pytest.raises(ConfigError, match="'seed' stands twice"):
        load_recipe(tmp_path / 'twice.yaml')


def test_numbers_need_no_dot(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace('lr: 0.001', 'lr: 6e-5'))
    assert load_recipe(path).optimiser.lr == 6e-5


@pytest.mark.parametrize('assignment, found', [
    ('loader.batch=4', lambda recipe: recipe.loader.batch == 4),
    ('stages.second.steps=100', lambda recipe: recipe.stages[1].steps == 100),
    ('stages.0.steps=7', lambda recipe: recipe.stages[0].steps == 7),
    ('stages.second.config.noise=5e-1', lambda recipe: recipe.stages[1].config['noise'] == 0.5),
    ('stages.first.optimiser.lr=1e-4', lambda recipe: recipe.stages[0].optimiser == Optimiser(lr=1e-4)),
    ('data.target=procedural?town=town_a&weather=clear&seeds=[4]&frames=2',
     lambda recipe: recipe.data.target == (DataSpec('procedural', '', {'town': 'town_a', 'weather': 'clear', 'seeds': [4],
                                                                        'frames': 2}),)),
    ('networks.student.settings.width=0.5', lambda recipe: recipe.networks['student'].settings == {'width': 0.5}),
    ('loader.crop=[64, 32]', lambda recipe: recipe.loader.crop == (64, 32)),
])
def test_set_changes_one_thing(tmp_path, assignment, found):
    before, after = load_recipe(write(tmp_path)), load_recipe(write(tmp_path), [assignment])
    assert found(after) and not found(before)


@pytest.mark.parametrize('assignment, expected', [
    ('loader.bach=4', "loader: unknown key 'bach' (did you mean 'batch'?)"),
    ('stages.secnd.steps=1', "nothing is called 'secnd' (did you mean 'second'?)"),
    ('stages.7.steps=1', "nothing is called '7'"),
    ('loader.batch.size=4', "loader.batch is 2: it has no key 'size'"),
    ('loader.batch', 'expected key=value'),
    ('loader.batch=[4', 'cannot be read'),
    ('loader..batch=4', 'expected key=value'),
])
def test_a_mistyped_set_is_named(tmp_path, assignment, expected):
    with pytest.raises(ConfigError) as error:
        load_recipe(write(tmp_path), [assignment])
    assert expected in str(error.value)


def test_a_recipe_extends_another(tmp_path):
    write(tmp_path, 'parent.yaml')
    (tmp_path / 'child.yaml').write_text(yaml.safe_dump({
        'base': 'parent.yaml', 'optimiser': {'clip': None}, 'stages': [{'name': 'only', 'method': NAME, 'steps': 2}]}))
    recipe = load_recipe(tmp_path / 'child.yaml')
    assert recipe.optimiser == Optimiser(lr=1e-3)
    assert [stage.name for stage in recipe.stages] == ['only']


def test_a_recipe_that_extends_itself_is_an_error(tmp_path):
    (tmp_path / 'a.yaml').write_text('base: b.yaml')
    (tmp_path / 'b.yaml').write_text('base: a.yaml')
    with pytest.raises(ConfigError, match='cannot extend itself'):
        load_recipe(tmp_path / 'a.yaml')


def test_a_missing_base_is_named(tmp_path):
    (tmp_path / 'a.yaml').write_text('base: nowhere.yaml')
    with pytest.raises(ConfigError, match=r'nowhere\.yaml: cannot be read'):
        load_recipe(tmp_path / 'a.yaml')



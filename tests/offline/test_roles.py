"""Which networks a stage gets, and that none is silently taken, left out or left at random weights."""

from __future__ import annotations

import pytest

from offline.load_recipe import to_recipe
from offline.methods import METHODS
from offline.methods.base import FROZEN
from offline.roles import networks_of
from offline.training.stage_networks import check_stages, make_method
from uda_seg_ros.config import ConfigError

from .stand_in import small_recipe

LIGHT, OTHER = ({'name': 'fast_scnn', 'settings': {'width': width}} for width in (0.25, 0.5))
FIRST = {'name': 'first', 'method': 'source_only', 'steps': 1}
ADAPT = {'name': 'first', 'method': 'dakd_adapt', 'steps': 1, 'config': {'adaptation': {'discriminator_width': 4}}}


def read(*stages, target=True, **networks):
    content = small_recipe(stages=list(stages), networks={'student': LIGHT, **networks})
    if not target:
        del content['data']['target']
    return to_recipe(content, 'small')


def stage(method, **keys):
    return {'name': 'next', 'method': method, 'steps': 1, **keys}


def optional_roles():
    return [(name, role) for name, method in METHODS.items() for role in method.OPTIONAL if name != 'duda_refine']


@pytest.mark.parametrize('name', METHODS)
def test_a_recipe_without_target_pictures_is_refused_where_the_method_learns_from_them(name):
    method = METHODS[name]
    networks = {role: {**OTHER, 'weights': 'bundle:x'} for role in method.ROLES if role != 'student'}
    read(stage(name), **networks)
    if method.NEEDS_TARGET:
        with pytest.raises(ConfigError, match=rf"^small: stages\[0\] \(next\): method '{name}' .*data\.target is empty"):
            read(stage(name), target=False, **networks)
    else:
        read(stage(name), target=False, **networks)
    assert (name != 'source_only') == method.NEEDS_TARGET


@pytest.mark.parametrize('name, role', optional_roles())
def test_what_another_stage_uses_is_not_taken_for_an_optional_role(name, role):
    """The recipe's teacher is DAKD's, its large network DUDA's; a stage that wants it says so."""
    user = {'teacher': 'duda_refine', 'large': 'duda'}[role]
    other = {'name': 'other', 'method': user, 'steps': 1}
    shared = {role: {**OTHER, 'weights': 'bundle:x'}}
    recipe = read(other, stage(name), **shared)
    assert set(networks_of(METHODS[name], recipe.networks, recipe.stages[1].networks, recipe.stages[1].init)) == {'student'}
    named = read(FIRST, stage(name, networks=shared)).stages[1]
    assert set(networks_of(METHODS[name], {'student': LIGHT}, named.networks, named.init)) == {'student', role}
    started = read(FIRST, stage(name, init={role: 'first.student'}), **shared).stages[1]
    assert set(networks_of(METHODS[name], recipe.networks, started.networks, started.init)) == {'student', role}


def test_a_stage_is_built_with_those_networks():
    recipe = read({'name': 'other', 'method': 'duda', 'steps': 1}, stage('ours'), large=OTHER)
    built = [make_method(recipe, each, lambda origin: {}, lambda line: None) for each in recipe.stages]
    assert [set(method.networks) for method in built] == [{'student', 'large'}, {'student'}]
    assert built[1].parts()['teacher'] is built[1].average.network


@pytest.mark.parametrize('name, role', optional_roles())
def test_a_network_that_nobody_takes_is_refused(name, role):
    with pytest.raises(ConfigError, match=rf"networks: {role}: no stage takes it; method '{name}' .*stage next must"):
        read(stage(name), **{role: {**OTHER, 'weights': 'bundle:x'}})


@pytest.mark.parametrize('stages, networks, expected', [
    ([stage('bkd', networks={'techer': OTHER})], {}, r"method 'bkd' has no role 'techer' \(did you mean 'teacher'\?\)"),
    ([stage('source_only', networks={'teacher': OTHER})], {}, r"method 'source_only' has no role 'teacher'; it has"),
    ([FIRST], {'studnet': OTHER}, r"no method has a role 'studnet' \(did you mean 'student'\?\)"),
    ([FIRST, stage('bkd', init={'teacher': 'first.student'})], {}, "'bkd' needs a network for 'teacher'; given: student"),
    ([stage('duda')], {}, "'duda' needs a network for 'large'; given: student"),
])
def test_a_role_that_does_not_exist_or_has_no_network_is_named(stages, networks, expected):
    with pytest.raises(ConfigError, match=expected):
        read(*stages, **networks)


@pytest.mark.parametrize('name, role', [
    (name, role) for name, method in METHODS.items() for role, kind in {**method.ROLES, **method.OPTIONAL}.items()
    if kind == FROZEN and role != 'student'])
def test_a_frozen_network_of_random_weights_is_refused(name, role):
    others = {other: {**OTHER, 'weights': 'bundle:x'} for other in METHODS[name].ROLES if other != 'student'}
    with pytest.raises(ConfigError, match=rf'networks: {role} would stay at random weights.*init: {{{role}: STAGE\.PART}}'):
        read(stage(name, networks={**others, role: OTHER}))
    read(FIRST, stage(name, networks={**others, role: LIGHT}, init={role: 'first.student'}))


def test_a_teacher_of_another_kind_than_the_earlier_stage_s_is_one_clear_error():
    stages = [{'name': 'first', 'method': 'duda', 'steps': 1},
              stage('duda_refine', init={'student': 'first.student', 'teacher': 'first.teacher'})]
    check_stages(read(*stages, large=OTHER, teacher=OTHER))
    with pytest.raises(ConfigError, match=r'^stage next: init: teacher: first\.teacher: \d+ tensors do not fit'):
        check_stages(read(*stages, large=OTHER, teacher=LIGHT))


@pytest.mark.parametrize('name, networks', [
    ('self_training', {}), ('duda', {'large': OTHER})])
def test_a_moving_average_cannot_be_started(name, networks):
    """Its first update would overwrite what it was given."""
    recipe = read(FIRST, stage(name, init={'teacher': 'first.student'}), **networks)
    with pytest.raises(ConfigError, match=r'^stage next: init: teacher: .* moving average, .* start that one instead'):
        check_stages(recipe)


@pytest.mark.parametrize('first, name, config, part, origin, words', [
    (ADAPT, 'dakd', {'adaptation': {'discriminator_width': 4}}, 'teacher_auxiliary', 'first.student_auxiliary',
     r"stage next: dakd: the teacher's head 1 was never trained.*levels: output"),
    ({'name': 'first', 'method': 'diga_translator', 'steps': 1, 'config': {'width': 4}}, 'diga_warm_up',
     {'restyle': 'translator', 'translator_width': 4}, 'translator', 'first.translator',
     'stage next: restyle: the translator has random weights'),
    ({'name': 'first', 'method': 'diga_translator', 'steps': 1, 'config': {'width': 4}}, 'diga',
     {'restyle': 'translator', 'translator_width': 4}, 'translator', 'first.translator',
     'stage next: restyle: the translator has random weights'),
])
def test_what_only_an_earlier_stage_can_train_is_missed_before_anything_is_trained(first, name, config, part, origin, words):
    teacher = {'teacher': 'first.student'} if name == 'dakd' else {}
    networks = {'teacher': LIGHT} if name == 'dakd' else {}
    with pytest.raises(ConfigError, match=words):
        check_stages(read(first, stage(name, config=config, init=teacher), **networks))
    check_stages(read(first, stage(name, config=config, init={**teacher, part: origin}), **networks))

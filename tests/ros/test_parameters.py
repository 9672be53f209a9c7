"""The parameter table against the shipped file, the descriptors, and every value that cannot be."""

from __future__ import annotations

import re

import pytest
import rclpy
import yaml
from rclpy.parameter import Parameter

from uda_seg_ros.ros.parameters import SETTINGS, TABLE, ParameterError, Parameters

from .node_process import DOMAIN, ROOT

FILE = ROOT / 'config' / 'segment.yaml'


@pytest.fixture(scope='module')
def context():
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    yield context
    context.try_shutdown()


@pytest.fixture
def make(context):
    """Parameters of a fresh node with values given from outside; make.configured and make.changed are its surroundings."""
    nodes = []

    def make(**given) -> Parameters:
        nodes.append(rclpy.create_node('holder', context=context, parameter_overrides=[
            Parameter(name, value=value) for name, value in given.items()]))
        make.node = nodes[-1]
        return Parameters(nodes[-1], lambda: make.configured, make.changed.update)
    make.configured, make.changed = False, set()
    yield make
    for node in nodes:
        node.destroy_node()


def _flat(mapping: dict, prefix: str = '') -> dict:
    flat = {}
    for key, value in mapping.items():
        flat |= _flat(value, f'{prefix}{key}.') if isinstance(value, dict) else {f'{prefix}{key}': value}
    return flat


def test_the_shipped_file_holds_every_parameter_with_its_default_and_meaning():
    shipped = _flat(yaml.safe_load(FILE.read_text())['/**']['ros__parameters'])
    assert list(shipped) == [setting.name for setting in TABLE]
    for setting in TABLE:
        default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        assert shipped[setting.name] == default and type(shipped[setting.name]) is type(default), setting.name
        comment = f'# {setting.description}'
        assert comment in FILE.read_text(), setting.name
        line = next(line for line in FILE.read_text().splitlines() if comment in line)
        assert line.endswith('(dynamic)') == setting.dynamic, setting.name


def test_every_parameter_is_declared_with_description_range_and_when_it_takes_effect(make):
    make()
    for setting in TABLE:
        told = make.node.describe_parameter(setting.name)
        assert told.description == setting.description
        assert ('next frame' in told.additional_constraints) == setting.dynamic
        assert all(choice in told.additional_constraints for choice in setting.choices)
        assert bool(told.floating_point_range or told.integer_range) == (setting.low is not None)


def test_the_defaults_are_possible_values(make):
    parameters = make()
    assert {setting.name: parameters[setting.name] for setting in TABLE} == {s.name: s.default for s in TABLE}


@pytest.mark.parametrize(('name', 'value', 'words'), [
    ('threshold', 'high', "expected a number, got 'high'"),
    ('threshold', 1.5, '1.5 is out of range, possible: 0.0 to 1.0'),
    ('half', 1, 'expected true or false, got 1'),
    ('threads', 1.5, 'expected a whole number, got 1.5'),
    ('threads', 0, '0 is out of range'),
    ('imgsz_height', 100, '100 is not a multiple of 32'),
    ('device', 0, 'expected a text, got 0'),
    ('cameras', 'front', "expected a list of texts, got 'front'"),
    ('cameras', [1, 2], 'expected a list of texts'),
    ('cameras', ['front', 'front'], 'stands twice'),
    ('cameras', ['front', 'rear left'], "'rear left' cannot begin the names of topics"),
    ('cameras', ['front/'], "'front/' cannot begin the names of topics"),
    ('image_transport', 'compresed', "did you mean 'compressed'?"),
    ('output_size', '640*480', 'WxH'),
    ('points.topic', '/depth points', 'must not contain characters other than'),
    ('points.topic', '/{cam}/points', 'points.topic: '),
    ('points.extrinsics', '0 0 1', 'expected seven numbers, x y z qx qy qz qw'),
])
def test_a_wrong_value_from_outside_is_refused_with_name_and_reason(make, name, value, words):
    with pytest.raises(ParameterError, match=re.escape(words)) as error:
        make(**{name: value})
    assert f'parameter {name}' in str(error.value)


@pytest.mark.parametrize(('name', 'value', 'held'), [
    ('threshold', 1, 1.0), ('cameras', [], ()), ('cameras', [''], ()), ('cameras', ['a', 'b'], ('a', 'b')),
    ('output_size', '640x480', '640x480')])
def test_what_is_meant_is_understood(make, name, value, held):
    assert make(**{name: value})[name] == held


def test_a_name_that_is_not_known_is_reported_with_the_nearest(make, capfd):
    make(**{'theshold': 0.5, 'qos_overrides./x.publisher.depth': 3, 'use_sim_time': False})
    log = capfd.readouterr().err
    assert "'theshold' is not known and has no effect (did you mean 'threshold'?)" in log
    assert log.count('is not known') == 1


@pytest.mark.parametrize('setting', TABLE, ids=lambda setting: setting.name)
def test_only_dynamic_parameters_change_while_configured(make, setting):
    parameters = make()
    other = {bool: not setting.default, int: 64, float: 0.9, tuple: ['left'], str: 'x'}[type(setting.default)]
    if type(setting.default) is str:
        other = next((choice for choice in setting.choices if choice != setting.default), 'network')
    if setting.name == 'points.extrinsics':
        other = '0 0 1 0 0 0 1'
    change = Parameter(setting.name, value=64 if setting.name.startswith('imgsz') else 2 if other == 64 else other)
    make.configured = True
    result = make.node.set_parameters([change])[0]
    assert result.successful == setting.dynamic, result.reason
    assert make.changed == ({setting.name} if setting.dynamic else set())
    assert setting.dynamic or 'clean up' in result.reason
    make.configured = False
    assert make.node.set_parameters([change])[0].successful
    assert parameters[setting.name] == (tuple(change.value) if isinstance(setting.default, tuple) else change.value)


def test_of_several_changes_all_or_none_take_effect(make):
    parameters = make()
    result = make.node.set_parameters_atomically([Parameter('threshold', value=0.5), Parameter('output_size', value='huge')])
    assert not result.successful
    assert parameters['threshold'] == SETTINGS['threshold'].default

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
import yaml

from uda_seg_ros.config import ConfigError, from_mapping, to_mapping


@dataclass(frozen=True)
class Inner:
    rate: float
    sides: tuple[int, int] = (1, 2)


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    mode: Literal['fast', 'exact'] = 'fast'
    limit: int | None = None
    switch: bool = False
    names: tuple[str, ...] = ()
    inners: tuple[Inner, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.name == 'bad':
            raise ValueError('name must not be bad')


FULL = {'name': 'x', 'inner': {'rate': 1, 'sides': [3, 4]}, 'mode': 'exact', 'limit': 5, 'switch': True, 'names': ['a', 'b'],
        'inners': [{'rate': 0.5, 'sides': [1, 2]}], 'extra': {'free': [1, 'two']}}


def test_a_mapping_becomes_a_dataclass_and_comes_back():
    outer = from_mapping(Outer, FULL, 'f.yaml')
    assert outer == Outer('x', Inner(1.0, (3, 4)), 'exact', 5, True, ('a', 'b'), (Inner(0.5),), {'free': [1, 'two']})
    assert isinstance(outer.inner.rate, float)
    assert to_mapping(outer) == FULL


def test_defaults_stand_in():
    assert from_mapping(Outer, {'name': 'x', 'inner': {'rate': 2.5}}, 'f.yaml') == Outer('x', Inner(2.5))
    assert from_mapping(Outer, {'name': 'x', 'inner': {'rate': 2.5}, 'limit': None}, 'f.yaml').limit is None


def test_a_power_of_ten_is_a_number_although_yaml_reads_a_text():
    assert yaml.safe_load('5e-4') == '5e-4'
    assert from_mapping(Outer, {'name': 'x', 'inner': {'rate': '5e-4'}}, 'f.yaml').inner.rate == 5e-4
    with pytest.raises(ConfigError, match='expected int'):
        from_mapping(Outer, {'name': 'x', 'inner': {'rate': 1, 'sides': [1, '1e1']}}, 'f.yaml')


@pytest.mark.parametrize('change, message', [
    ({'nmae': 1}, r"f.yaml: unknown key 'nmae' \(did you mean 'name'\?\); known: name, inner"),
    ({'zzz': 1}, r"f.yaml: unknown key 'zzz'; known: "),
    ({1: 1}, r'f.yaml: unknown key 1; known: '),
    ({'inner': {'rate': 1, 'sdies': []}}, r"f.yaml: inner: unknown key 'sdies' \(did you mean 'sides'\?\)"),
    ({'inner': {}}, r"f.yaml: inner: missing key 'rate'"),
    ({'inner': 3}, r'f.yaml: inner: expected a mapping, got int'),
    ({'inner': {'rate': 'high'}}, r"f.yaml: inner: rate: expected float, got 'high'"),
    ({'inner': {'rate': True}}, r'f.yaml: inner: rate: expected float, got True'),
    ({'inner': {'rate': 1, 'sides': [1]}}, r'f.yaml: inner: sides: expected 2 values, got 1'),
    ({'inner': {'rate': 1, 'sides': [1, 'b']}}, r"f.yaml: inner: sides\[1\]: expected int, got 'b'"),
    ({'inners': [{'rate': 1}, {}]}, r"f.yaml: inners\[1\]: missing key 'rate'"),
    ({'name': 3}, r'f.yaml: name: expected str, got 3'),
    ({'name': None}, r'f.yaml: name: expected str, got None'),
    ({'limit': 1.5}, r'f.yaml: limit: expected int, got 1.5'),
    ({'limit': True}, r'f.yaml: limit: expected int, got True'),
    ({'switch': 1}, r'f.yaml: switch: expected bool, got 1'),
    ({'names': 'ab'}, r"f.yaml: names: expected a list, got 'ab'"),
    ({'extra': []}, r'f.yaml: extra: expected Mapping, got \[\]'),
    ({'mode': 'fsat'}, r"f.yaml: mode: 'fsat' is not possible \(did you mean 'fast'\?\); possible: fast, exact"),
    ({'mode': ['fast']}, r'f.yaml: mode: .* is not possible'),
    ({'name': 'bad'}, r'f.yaml: name must not be bad'),
], ids=str)
def test_every_mistake_names_place_and_remedy(change, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping(Outer, {**FULL, **change}, 'f.yaml')


@pytest.mark.parametrize('content', [None, [], 'text', 5])
def test_what_is_no_mapping_is_refused(content):
    with pytest.raises(ConfigError, match=r'f.yaml: expected a mapping, got '):
        from_mapping(Outer, content, 'f.yaml')


def test_a_missing_key_is_named():
    with pytest.raises(ConfigError, match=r"f.yaml: missing key 'name'"):
        from_mapping(Outer, {'inner': {'rate': 1}}, 'f.yaml')

from __future__ import annotations

import pytest

from offline.data_spec import parse
from offline.datasets import open_dataset
from offline.recipe import DataSpec
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES


@pytest.mark.parametrize('value, spec', [
    ('cityscapes:/data/city', DataSpec('cityscapes', '/data/city')),
    ('procedural', DataSpec('procedural')),
    ('procedural?frames=3', DataSpec('procedural', '', {'frames': 3})),
    ('acdc:~/acdc?split=val&condition=fog', DataSpec('acdc', '~/acdc', {'split': 'val', 'condition': 'fog'})),
    ('procedural:?weather=fog:0..0.5:1,night:1&seeds=[0,1]&fps=0.5',
     DataSpec('procedural', '', {'weather': 'fog:0..0.5:1,night:1', 'seeds': [0, 1], 'fps': 0.5})),
    ('procedural?weather=fog:0.5:1', DataSpec('procedural', '', {'weather': 'fog:0.5:1'})),
    ('bag:/a:b/c?topic=/camera/image=raw', DataSpec('bag', '/a:b/c', {'topic': '/camera/image=raw'})),
    ({'kind': 'gta5', 'path': 'x'}, DataSpec('gta5', 'x')),
    (DataSpec('gta5', 'x'), DataSpec('gta5', 'x')),
])
def test_text_and_mapping_say_the_same(value, spec):
    assert parse(value) == spec


@pytest.mark.parametrize('value, words', [
    ('', 'expected .kind:path'), (7, 'expected .kind:path'), ('gta5:x?split', "'split' is not option=value"),
    ('gta5:x?', "'' is not option=value"), ('gta5:x?a=1&a=2', "'a' stands twice"), ('gta5:x?a=[1', "value of 'a'"),
    ({'kind': 'gta5', 'paht': 'x'}, "did you mean 'path'"), ({'path': 'x'}, "missing key 'kind'")])
def test_a_spec_that_cannot_be_read_is_refused_in_words(value, words):
    with pytest.raises(ConfigError, match=words) as error:
        parse(value, 'recipe.yaml: data.target')
    assert str(error.value).startswith('recipe.yaml: data.target')


@pytest.mark.parametrize('value, words', [
    ('cityscape:x', "did you mean 'cityscapes'"), ('/data/city', 'written as kind:path'),
    ('cityscapes:x?splti=val', "did you mean 'split'"), ('cityscapes:x?split=vall', "did you mean 'val'"),
    ('procedural?town=town_a', 'missing key'),
    ('procedural?town=town_c&weather=clear&seeds=[0]&frames=1', 'town_a, town_b'),
    ('procedural?town=town_a&weather=fgo&seeds=[0]&frames=1', "part 'fgo'")])
def test_kind_and_options_are_checked_before_any_file(value, words):
    with pytest.raises(ConfigError, match=words) as error:
        open_dataset(value, CITYSCAPES, where='--set data.source')
    assert str(error.value).startswith('--set data.source')

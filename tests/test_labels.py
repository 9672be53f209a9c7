import json

import numpy as np
import pytest

from uda_seg_ros.labels import BDD100K, CAMVID, CITYSCAPES, IGNORE, LABEL_SPACES, SYNTHIA, LabelSpace, mapping

PAIRS = [(source, target) for source in LABEL_SPACES.values() for target in LABEL_SPACES.values()]


@pytest.mark.parametrize('space', LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_palettes_and_ids_are_complete(space):
    palette = space.palette()
    assert (palette.shape, palette.dtype) == ((256, 3), np.uint8)
    assert [tuple(color) for color in palette[: space.num_classes].tolist()] == list(space.colors)
    assert not palette[space.num_classes:].any()
    assert len(set(space.colors)) == space.num_classes


@pytest.mark.parametrize('space', LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_label_ids_and_train_ids_are_inverse(space):
    there, back = space.from_label_ids(), space.to_label_ids(unlabelled=IGNORE)
    train_ids = np.arange(space.num_classes)
    np.testing.assert_array_equal(there[back[train_ids]], train_ids)
    assert (there != IGNORE).sum() == (back != IGNORE).sum() == space.num_classes


@pytest.mark.parametrize('space, name, label_id', [
    (CITYSCAPES, 'road', 7), (CITYSCAPES, 'pole', 17), (CITYSCAPES, 'bicycle', 33), (SYNTHIA, 'sky', 1),
    (SYNTHIA, 'road', 3), (SYNTHIA, 'traffic light', 15), (SYNTHIA, 'bus', 19),
    (BDD100K, 'bicycle', 18), (CAMVID, 'bicyclist', 10)])
def test_published_ids(space, name, label_id):
    assert space.from_label_ids()[label_id] == space.names.index(name)
    assert space.to_label_ids()[space.names.index(name)] == label_id


@pytest.mark.parametrize('source, target', PAIRS, ids=lambda space: space.name)
def test_mappings_name_classes_of_the_target_or_ignore(source, target):
    lookup = mapping(source, target)
    assert (lookup.shape, lookup.dtype) == ((256,), np.uint8)
    assert ((lookup < target.num_classes) | (lookup == IGNORE)).all()
    assert (lookup[source.num_classes:] == IGNORE).all()
    if source is target:
        np.testing.assert_array_equal(lookup[: source.num_classes], np.arange(source.num_classes))


@pytest.mark.parametrize('source, target, pairs', [
    (SYNTHIA, CITYSCAPES, {name: name for name in SYNTHIA.names}),
    (CITYSCAPES, SYNTHIA, {name: name if name in SYNTHIA.names else None for name in CITYSCAPES.names}),
    (BDD100K, CITYSCAPES, {name: name for name in CITYSCAPES.names}),
    (SYNTHIA, CAMVID, {'vegetation': 'tree', 'rider': 'bicyclist', 'sidewalk': 'pavement', 'sky': 'sky'}),
    (CAMVID, CITYSCAPES, {'tree': 'vegetation', 'pedestrian': 'person', 'road': 'road', 'bicyclist': 'rider'}),
    (CAMVID, SYNTHIA, {'tree': 'vegetation', 'pavement': 'sidewalk'}),
], ids=lambda value: getattr(value, 'name', ''))
def test_classes_map_to_their_counterparts(source, target, pairs):
    lookup = mapping(source, target)
    for name, counterpart in pairs.items():
        expected = IGNORE if counterpart is None else target.names.index(counterpart)
        assert lookup[source.names.index(name)] == expected, name


def test_camvid_agrees_with_the_real_data(data_root):
    real = json.loads((data_root / 'camvid' / 'classes.json').read_text())
    classes = sorted((entry for entry in real['classes'] if entry['id'] != real['ignore_id']), key=lambda entry: entry['id'])
    assert tuple(entry['name'] for entry in classes) == CAMVID.names
    assert tuple(tuple(entry['color']) for entry in classes) == CAMVID.colors
    np.testing.assert_array_equal(mapping(CITYSCAPES, CAMVID)[:19], real['cityscapes_trainid_to_camvid'])


@pytest.mark.parametrize('change, message', [
    ({'names': ()}, '1 to 254 classes'), ({'names': tuple(map(str, range(255)))}, '1 to 254 classes'),
    ({'names': ('a', 'a')}, 'stands twice'), ({'names': ('a',)}, 'differ in number'),
    ({'label_ids': (1,)}, 'differ in number'),
    ({'label_ids': (1, 1)}, 'a label id stands twice'), ({'label_ids': (1, 256)}, 'within 0 to 255'),
    ({'colors': ((0, 0, 0), (0, 0, -1))}, 'within 0 to 255')])
def test_impossible_label_spaces_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        LabelSpace(**{'name': 'x', 'names': ('a', 'b'), 'colors': ((0, 0, 0), (1, 1, 1)), **change})

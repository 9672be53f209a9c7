"""The contract of the data sets, over small trees in the true on-disk format."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest

from offline.datasets import DATASETS, DatasetError, open_dataset
from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE, mapping

from .dataset_trees import LEVELS, SHAPE, TREES

CASES = [pytest.param(kind, tree, id=f'{kind}: {name}') for kind, trees in TREES.items() for name, tree in trees.items()]
MADE_ELSEWHERE = {'procedural', 'folder', 'video', 'bag'}  # not trees of labelled files: test_procedural, test_recordings


@pytest.fixture
def opened(tmp_path, kind, tree):
    tree.write(tmp_path)
    return open_dataset({'kind': kind, 'path': str(tmp_path), 'options': dict(tree.options)}, tree.labels)



def test_table_and_cases_agree():
    assert set(TREES) == set(DATASETS) - MADE_ELSEWHERE


@pytest.mark.parametrize('kind, tree', CASES)
def test_pictures_and_labels_come_as_they_lie_on_disk(opened, tree):
    assert len(opened) == 2 and len({opened.name(0), opened.name(1)}) == 2
    opened.check_labels()
    for index, level in enumerate(LEVELS):
        sample = opened[index]
        assert sample.image.shape == (*SHAPE, 3) and sample.image.dtype == np.uint8 and sample.name == opened.name(index)
        assert np.abs(sample.image.astype(int) - level).max() <= 2
        assert (opened.image(index) == sample.image).all()
        assert sample.label.dtype == np.uint8
        np.testing.assert_array_equal(sample.label, tree.expected())
        np.testing.assert_array_equal(opened.label(index), tree.expected())


@pytest.mark.parametrize('kind, tree', CASES)
def test_labels_are_mapped_to_the_common_space_and_the_rest_is_ignored(tmp_path, kind, tree):
    tree.write(tmp_path)
    other = CAMVID if tree.labels is not CAMVID else CITYSCAPES
    opened = open_dataset({'kind': kind, 'path': str(tmp_path), 'options': dict(tree.options)}, other)
    np.testing.assert_array_equal(opened[0].label, mapping(tree.labels, other)[tree.expected()])
    assert (opened[0].label == IGNORE).any() and (opened[0].label != IGNORE).any()


@pytest.mark.parametrize('kind, tree', CASES)
def test_a_wrong_root_is_told_which_files_were_expected_where(tmp_path, kind, tree):
    (tmp_path / 'something.txt').write_text('else')
    spec = {'kind': kind, 'options': dict(tree.options)}
    for root in (tmp_path, tmp_path / 'nothing'):
        with pytest.raises(DatasetError) as error:
            open_dataset({**spec, 'path': str(root)}, tree.labels)
        assert tree.missing in str(error.value) and str(root) in str(error.value)


@pytest.mark.parametrize('kind, tree', CASES)
def test_without_label_files_it_is_a_target_and_says_so_as_a_source(tmp_path, kind, tree):
    tree.write(tmp_path)
    opened = open_dataset({'kind': kind, 'path': str(tmp_path), 'options': dict(tree.options)}, tree.labels)
    labels = [opened.inner.root / opened.inner.layout.label_of(path) for path in opened.inner._images]
    labels[1].unlink()
    with pytest.raises(DatasetError, match='1 of 2 pictures have no label') as error:
        opened.check_labels()
    assert str(labels[1]) in str(error.value)
    labels[0].unlink()
    if kind == 'cityscapes':  # the train ids beside them would be taken
        [path.unlink() for path in tmp_path.rglob('*labelTrainIds.png')]
    bare = open_dataset({'kind': kind, 'path': str(tmp_path), 'options': dict(tree.options)}, tree.labels)
    assert bare.labels is None and bare[0].label is None and bare.image(1).shape == (*SHAPE, 3)
    with pytest.raises(DatasetError):
        bare.check_labels()


@pytest.mark.parametrize('kind, tree', CASES)
@pytest.mark.parametrize('damage', ['truncated', 'empty', 'text'])
def test_a_damaged_file_is_named(opened, damage):
    files = opened.inner
    image, label = (files.root / path for path in (files._images[0], files.layout.label_of(files._images[0])))
    for path, read in ((image, opened.image), (label, opened.label)):
        content = path.read_bytes()
        path.write_bytes({'truncated': content[:-20], 'empty': b'', 'text': b'not a picture at all'}[damage])
        with pytest.raises(DatasetError) as error:
            read(0)
        assert str(path) in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('kind, tree', CASES)
def test_a_label_of_another_size_is_named_with_both_sizes(opened):
    files = opened.inner
    image = files.root / files._images[1]
    cv2.imwrite(str(image), np.zeros((9, 30, 3), np.uint8))
    with pytest.raises(DatasetError) as error:
        opened[1]
    assert all(part in str(error.value) for part in (files.name(1), '12x8', '30x9'))


@pytest.mark.parametrize('kind, tree', CASES)
def test_it_travels_to_worker_processes(opened):
    copy = pickle.loads(pickle.dumps(opened))
    assert copy.key() == opened.key() is not None and (copy[1].label == opened[1].label).all()


@pytest.mark.parametrize('kind, tree', CASES)
def test_its_key_changes_with_its_labels(opened):
    files, before = opened.inner, opened.key()
    label = files.root / files.layout.label_of(files._images[0])
    label.write_bytes(label.read_bytes() + b'more')
    assert opened.key() != before

"""What single data sets promise beyond the contract, and the samples in real format."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from offline.datasets import DatasetError, open_dataset
from offline.datasets.label_files import read_ids
from offline.datasets.mapillary_classes import AS_CITYSCAPES, CLASSES, lookup
from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE

from .dataset_trees import TREES, columns, palette_png, picture, png


def written(tmp_path, kind, name):
    TREES[kind][name].write(tmp_path)
    return tmp_path


def test_gta5_leaves_out_the_two_labels_of_another_picture_and_resizes_others_of_the_same_aspect(tmp_path):
    root = written(tmp_path, 'gta5', 'plain')
    palette_png(root / 'labels/00001.png', np.repeat(np.repeat(columns([7, 11, 23, 26, 25, 4]), 2, 0), 2, 1))
    opened = open_dataset(f'gta5:{root}', CITYSCAPES)
    assert [opened.name(index) for index in range(len(opened))] == ['images/00001', 'images/24966']
    np.testing.assert_array_equal(opened[0].label, TREES['gta5']['plain'].expected())


@pytest.mark.parametrize('split, words', [('dya', "did you mean 'day'"), ('nothing', 'there are: day')])
def test_camvid_knows_its_splits(tmp_path, split, words):
    root = written(tmp_path, 'camvid', 'ids')
    assert len(open_dataset(f'camvid:{root}?split=day', CAMVID)) == 2 and len(open_dataset(f'camvid:{root}', CAMVID)) == 3
    with pytest.raises(DatasetError, match=words):
        open_dataset(f'camvid:{root}?split={split}', CAMVID)
    (root / 'splits/day.txt').write_text('0001TP_006690\nmissing_1\n')
    with pytest.raises(DatasetError, match='names 1 pictures that are not in images, missing_1'):
        open_dataset(f'camvid:{root}?split=day', CAMVID)


def test_a_colour_that_no_camvid_class_has_is_an_error(tmp_path):
    root = written(tmp_path, 'camvid', 'colours')
    path = root / 'LabeledApproved_full/0001TP_006690_L.png'
    png(path, np.full((8, 12, 3), (3, 2, 1), np.uint8))
    with pytest.raises(DatasetError, match=r'0001TP_006690_L.png: \(1, 2, 3\) is no colour'):
        open_dataset(f'camvid:{root}', CAMVID)[0]


def test_a_colour_picture_in_place_of_ids_is_an_error(tmp_path):
    root = written(tmp_path, 'cityscapes', 'label ids')
    label = next(root.rglob('aachen*labelIds.png'))
    png(label, np.zeros((8, 12, 3), np.uint8))
    with pytest.raises(DatasetError, match='one 8-bit channel of ids, got 3 of 8 bits'):
        open_dataset(f'cityscapes:{root}', CITYSCAPES)[0]


@pytest.mark.parametrize('condition, pictures', [('all', 2), ('fog', 1), ('snow', 1)])
def test_acdc_takes_one_condition_or_all(tmp_path, condition, pictures):
    assert len(open_dataset(f'acdc:{written(tmp_path, "acdc", "all")}?condition={condition}', CITYSCAPES)) == pictures


@pytest.mark.parametrize('time, names', [('night', ['night']), ('all', ['day', 'night'])])
def test_dark_zurich_takes_one_time_of_day_or_all(tmp_path, time, names):
    for number, name in enumerate(('night', 'day')):
        picture(tmp_path / f'rgb_anon/train/{name}/GOPR0351/GOPR0351_frame_000001_rgb_anon.png', number)
    opened = open_dataset(f'dark_zurich:{tmp_path}?time={time}', CITYSCAPES, 'train')
    assert [opened.name(index).split('/')[2] for index in range(len(opened))] == names and opened.labels is None


@pytest.mark.parametrize('version, number', [('v1.2', 66), ('v2.0', 124)])
def test_mapillary_maps_every_cityscapes_class_and_names_only_classes_there_are(version, number):
    assert len(CLASSES[version]) == len(set(CLASSES[version])) == number
    assert set(AS_CITYSCAPES) == set(CITYSCAPES.names) == {CITYSCAPES.names[i] for i in lookup(version) if i != IGNORE}
    assert {name for names in AS_CITYSCAPES.values() for name in names} <= {*CLASSES['v1.2'], *CLASSES['v2.0']}
    assert (lookup(version)[number - 1:] == IGNORE).all()  # the last is 'unlabeled'


def test_a_split_is_filled_in_only_where_the_data_set_has_it(tmp_path):
    written(tmp_path / 'a', 'cityscapes', 'train ids')
    assert len(open_dataset(f'cityscapes:{tmp_path / "a"}', CITYSCAPES, 'val')) == 2
    assert len(open_dataset(f'gta5:{written(tmp_path / "b", "gta5", "plain")}', CITYSCAPES, 'val')) == 2
    with pytest.raises(DatasetError, match='leftImg8bit/test'):
        open_dataset(f'cityscapes:{tmp_path / "a"}?split=test', CITYSCAPES, 'val')


# The samples in real format.

def test_real_cityscapes_label_ids_and_train_ids_agree(data_root):
    root = data_root / 'samples/mmseg_test_stubs/tests/data/pseudo_cityscapes_dataset'
    opened = open_dataset(f'cityscapes:{root}', CITYSCAPES, 'val')
    train_ids = read_ids(next(root.rglob('*labelTrainIds.png')))
    assert (opened[0].label == train_ids).mean() > 0.99  # the two files of this sample were reduced each on its own


@pytest.mark.parametrize('split, pictures', [('train', 3), ('val', 3)])
def test_real_bdd100k_folders_open(data_root, split, pictures):
    root = data_root / 'samples/mmseg_test_stubs/tests/data/pseudo_bdd100k_dataset'
    opened = open_dataset(f'bdd100k:{root}', CITYSCAPES, split)
    assert len(opened) == pictures
    for sample in opened:
        assert sample.image.shape == (8, 8, 3) and set(np.unique(sample.label)) <= {2, 8}


@pytest.mark.parametrize('name', ['0.png', 'semseg_mask.png'])
def test_real_bdd100k_labels_hold_train_ids_also_with_a_palette(data_root, tmp_path, name):
    (tmp_path / 'labels/sem_seg/masks/train').mkdir(parents=True)
    (tmp_path / 'images/10k/train').mkdir(parents=True)
    shutil.copy(data_root / 'samples/bdd100k/sem_seg_masks_no_image' / name, tmp_path / 'labels/sem_seg/masks/train/a.png')
    shutil.copy(data_root / 'samples/bdd100k/images/0ace96c3-48481887.jpg', tmp_path / 'images/10k/train/a.jpg')
    label = open_dataset(f'bdd100k:{tmp_path}', CITYSCAPES)[0].label
    held = {13, 255} if name == 'semseg_mask.png' else {0, 1, 2, 5, 6, 7, 8, 9, 10, 13, 14}
    assert label.shape == (720, 1280) and set(np.unique(label).tolist()) == held


def test_real_mapillary_labels_of_both_versions_agree(data_root, tmp_path):
    stub = data_root / 'samples/mmseg_test_stubs/tests/data/pseudo_mapillary_dataset'
    for place in ('images', 'v1.2/labels', 'v2.0/labels'):
        (tmp_path / 'training' / place).mkdir(parents=True)
        for file in (stub / place.split('/')[0]).iterdir():
            shutil.copy(file, tmp_path / 'training' / place / file.name)
    first, second = (open_dataset(f'mapillary:{tmp_path}?version={version}', CITYSCAPES)[0] for version in CLASSES)
    np.testing.assert_array_equal(first.label, second.label)
    assert {CITYSCAPES.names[i] for i in np.unique(first.label) if i != IGNORE} == {'building', 'pole'}


def test_real_mapillary_palettes_give_classes_of_one_name_one_colour(data_root):
    """The order of both lists is that of the genuine files, whose palettes hold the colour of each class."""
    stub = data_root / 'samples/mmseg_test_stubs/tests/data/pseudo_mapillary_dataset'
    first, second = (palette_of(next((stub / version).iterdir())) for version in CLASSES)
    both = set(CLASSES['v1.2']) & set(CLASSES['v2.0'])
    assert len(both) > 50
    for name in both:
        assert (first[CLASSES['v1.2'].index(name)] == second[CLASSES['v2.0'].index(name)]).all(), name


def palette_of(path):
    content = path.read_bytes()
    start = content.index(b'PLTE') + 4
    return np.frombuffer(content[start:start + 768], np.uint8).reshape(-1, 3)


@pytest.mark.parametrize('split, pictures', [('source_day_train', 305), ('target_dusk_adapt', 62), ('target_dusk_test', 62)])
def test_real_camvid_opens_by_split(data_root, split, pictures):
    opened = open_dataset(f'camvid:{data_root / "camvid"}?split={split}', CAMVID)
    opened.check_labels()
    assert len(opened) == pictures
    sample = opened[0]
    assert sample.image.shape == (360, 480, 3) and set(np.unique(sample.label)) <= {*range(11), IGNORE}
    mapped = open_dataset(f'camvid:{data_root / "camvid"}?split={split}', CITYSCAPES)[0].label
    assert ((mapped == CITYSCAPES.names.index('sky')) == (sample.label == CAMVID.names.index('sky'))).all()


def test_real_camvid_of_original_size_opens_without_labels(data_root, tmp_path):
    (tmp_path / '701_StillsRaw_full').mkdir()
    images = data_root / 'samples/camvid_960x720/tests/test_data/Camvid_test_data/images'
    shutil.copy(images / '0016E5_08159.png', tmp_path / '701_StillsRaw_full')
    opened = open_dataset(f'camvid:{tmp_path}', CAMVID)
    assert opened.image(0).shape == (720, 960, 3) and opened.labels is None
    assert (opened.image(0)[..., ::-1] == cv2.imread(str(images / '0016E5_08159.png'))).all()

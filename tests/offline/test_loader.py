"""The loader: what a batch follows from, what it holds, and what it never looks at."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from offline.datasets.base import Dataset, DatasetError
from offline.loading.loader import Loader
from offline.recipe import Loader as Settings
from uda_seg_ros.config import ConfigError, from_mapping
from uda_seg_ros.labels import CITYSCAPES, IGNORE

H, W, CROP = 64, 96, (32, 48)


class Painted(Dataset):
    """Pictures whose red is 10 times their label, whose green falls with the column, and whose blue is their number."""

    labels = CITYSCAPES

    def __init__(self, number: int, first: int = 0, size=(H, W)):
        self.number, self.first, self.size = number, first, size

    def __len__(self):
        return self.number

    def label(self, index):
        blocks = np.random.default_rng(self.first + index).integers(0, 19, (4, 6), np.uint8)
        return cv2.resize(blocks, self.size[::-1], interpolation=cv2.INTER_NEAREST)

    def image(self, index):
        green = np.linspace(250, 5, self.size[1]).astype(np.uint8)[None].repeat(self.size[0], 0)
        blue = np.full(self.size, self.first + index, np.uint8)
        return np.dstack([self.label(index) * 10, green, blue])

    def name(self, index):
        return f'painted {self.first + index}'

    def key(self):
        return f'painted {self.number} {self.first} {self.size}'


class Unlabelled(Painted):
    """A target whose labels are there, and would be noticed."""

    def image(self, index):
        return np.full((*self.size, 3), self.first + index, np.uint8)

    def label(self, index):
        raise AssertionError('the label of a target was opened')

    def check_labels(self):
        raise AssertionError('the labels of a target were looked for')

    def key(self):
        raise AssertionError('the labels of a target were looked at')


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))


def loader(source=None, target=None, seed=3, rank=0, world_size=1, target_labels=None, **settings):
    settings = Settings(**{'batch': 2, 'crop': CROP, 'scale': (0.7, 1.5), **settings})
    return Loader(source or [Painted(5), Painted(3, 100)], [Unlabelled(4, 200)] if target is None else target, settings,
                  seed, rank, world_size, target_labels)


def same(one, two):
    return all((a is None and b is None) or torch.equal(a, b) for a, b in zip(vars(one).values(), vars(two).values()))


def numbers(image):
    """Which picture each image of a batch comes from."""
    return image[:, 2, 16, 24].tolist()


# What a batch follows from

@pytest.mark.parametrize('settings', [{}, {'rare_class_temperature': 0.1, 'cat_max_ratio': 0.75}, {'source_height': 48}])
def test_the_batch_of_a_step_follows_from_the_step_wherever_one_starts(settings):
    straight = list(loader(**settings).batches(0, 9))
    for first in (1, 4, 8):
        assert all(same(one, two) for one, two in zip(loader(**settings).batches(first, 9), straight[first:]))


@pytest.mark.parametrize('workers', [1, 2])
def test_worker_processes_give_the_same_batches_in_the_same_order(workers):
    alone = list(loader().batches(2, 9))
    before = torch.random.get_rng_state()
    shared = list(loader(workers=workers).batches(2, 9))
    assert len(shared) == 7 and all(same(one, two) for one, two in zip(alone, shared))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_fresh_process_gives_the_same_batch():
    code = ('import pickle, sys; sys.path[:0] = sys.argv[1:]; loader = pickle.load(sys.stdin.buffer); '
            'batch = loader.batch(7); print(*(int(t.long().sum()) for t in vars(batch).values() if t is not None), '
            'int((batch.source_image.long() * (1 + batch.source_label.long()[:, None])).sum()))')
    here, root = Path(__file__).parent, Path(__file__).parents[2]
    mine = loader(rare_class_temperature=0.1)
    answer = subprocess.run([sys.executable, '-c', code, str(root), str(here)], input=pickle.dumps(mine),
                            capture_output=True, check=True)
    batch = mine.batch(7)
    expected = [int(tensor.long().sum()) for tensor in vars(batch).values() if tensor is not None]
    expected.append(int((batch.source_image.long() * (1 + batch.source_label.long()[:, None])).sum()))
    assert list(map(int, answer.stdout.split())) == expected


def test_another_seed_and_another_rank_give_other_batches():
    batches = [loader(seed=0).batch(0), loader(seed=1).batch(0), loader(seed=0, rank=1, world_size=2).batch(0)]
    assert not any(same(one, two) for one, two in itertools.combinations(batches, 2))


def test_it_has_no_end():
    steps = list(itertools.islice(loader().batches(10**6), 5))
    assert len(steps) == 5 and same(steps[2], loader().batch(10**6 + 2))


# What an epoch holds

def test_an_epoch_holds_every_picture_once_in_an_order_of_its_own():
    drawn = [number for batch in loader().batches(0, 8) for number in numbers(batch.source_image)]
    first, second = drawn[:8], drawn[8:]
    assert sorted(first) == sorted(second) == [0, 1, 2, 3, 4, 100, 101, 102] and first != second
    target = [number for batch in loader().batches(0, 4) for number in numbers(batch.target_image)]
    assert sorted(target[:4]) == sorted(target[4:]) == [200, 201, 202, 203]


def test_two_ranks_share_an_epoch_without_a_picture_twice():
    drawn = [[number for batch in loader(rank=rank, world_size=2).batches(0, 2) for number in numbers(batch.source_image)]
             for rank in (0, 1)]
    assert len(drawn[0]) == len(drawn[1]) == 4 and sorted(drawn[0] + drawn[1]) == [0, 1, 2, 3, 4, 100, 101, 102]


# What a batch holds

@pytest.mark.parametrize('settings', [{}, {'scale': (0.3, 0.5)}, {'scale': (1.5, 3.0)}, {'source_height': 40},
                                      {'source_height': 128, 'scale': (1.0, 1.0)}, {'crop': (64, 96)}, {'crop': (80, 60)}])
def test_image_and_label_stay_aligned(settings):
    for batch in loader(**settings).batches(0, 6):
        image, label = batch.source_image, batch.source_label
        assert image.dtype == label.dtype == torch.uint8 and image.shape == (2, 3, *label.shape[1:])
        assert label.shape[1:] == settings.get('crop', CROP) and image.is_contiguous(memory_format=torch.channels_last)
        assert_aligned(image, label)


def assert_aligned(image, label):
    """Red is 10 times the label, but near edges, where interpolated pictures have values in between; also outside."""
    off = ((image[:, 0].int() - 10 * label.int()).abs() > 5)[:, 3:-3, 3:-3]
    inner = torch.nn.functional.max_pool2d(edges(label)[:, None].float(), 5, 1, 2)[:, 0, 3:-3, 3:-3] == 0
    assert inner.float().mean() > 0.1 and not (off & inner).any()


def edges(label):
    found = torch.zeros_like(label, dtype=torch.bool)
    found[:, 1:] |= label[:, 1:] != label[:, :-1]
    found[:, :, 1:] |= label[:, :, 1:] != label[:, :, :-1]
    return found


def test_half_of_the_crops_are_mirrored():
    greens = torch.cat([batch.source_image[:, 1].int() for batch in loader().batches(0, 100)])
    mirrored = (greens[:, 16, -1] > greens[:, 16, 0]).float().mean()
    assert 0.35 < mirrored < 0.65


def test_without_a_target_there_is_none():
    batch = loader(target=[]).batch(0)
    assert batch.target_image is None and batch.target_label is None and batch.source_image.shape == (2, 3, *CROP)


def test_a_picture_kept_in_memory_is_the_same_as_one_read_again():
    kept, fresh = loader(source_height=48), loader(source_height=48, cache_mb=0)
    assert all(same(one, two) for one, two in zip(kept.batches(0, 12), fresh.batches(0, 12)))


def test_memory_for_pictures_has_a_limit():
    big = loader([Painted(200, 0, (128, 128))], target=[], cache_mb=1, batch=8)
    for _ in big.batches(0, 25):
        pass
    assert 0 < big._cache._bytes <= 2**20


# Rare classes

class Planted(Painted):
    """Road everywhere; every tenth picture has a patch of train."""

    def label(self, index):
        label = np.zeros(self.size, np.uint8)
        if index % 10 == 0:
            label[4:24, 4:24] = 16
        return label


@pytest.mark.parametrize('temperature, low, high', [(None, 0.0, 0.12), (1.0, 0.3, 1.0), (0.01, 0.8, 1.0)])
def test_rare_class_sampling_raises_the_share_of_a_rare_class(temperature, low, high):
    drawn = loader([Planted(40)], target=[], rare_class_temperature=temperature, scale=(0.9, 1.1)).batches(0, 40)
    share = torch.cat([(batch.source_label == 16).flatten(1).any(1) for batch in drawn]).float().mean()
    assert low <= share <= high


def test_a_class_that_no_picture_has_enough_of_is_still_drawn():
    class Speck(Painted):
        def label(self, index):
            label = np.zeros(self.size, np.uint8)
            label[10, 10] = 16 if index == 7 else 0
            return label
    drawn = [numbers(batch.source_image) for batch in loader([Speck(20)], [], rare_class_temperature=0.01).batches(0, 30)]
    assert np.mean(np.array(drawn) == 7) > 0.5


def test_no_class_fills_a_crop_where_it_can_be_helped():
    class Mostly(Painted):
        def label(self, index):
            label = np.zeros(self.size, np.uint8)
            label[:, :40] = 1
            return label
    def greatest(**settings):
        batches = loader([Mostly(4)], [], scale=(1.0, 1.0), **settings).batches(0, 40)
        return torch.cat([torch.stack([(b.source_label == i).flatten(1).float().mean(1) for i in (0, 1)]).amax(0)
                          for b in batches])
    assert (greatest() >= 0.75).float().mean() > 0.3 and (greatest(cat_max_ratio=0.75) < 0.75).float().mean() > 0.9


def test_class_statistics_are_counted_once(tmp_path, monkeypatch):
    first = loader(rare_class_temperature=0.1).batch(5)
    assert len(list((tmp_path / 'cache').glob('class_pixels_*.npz'))) == 2
    monkeypatch.setattr('offline.loading.class_statistics._count', lambda dataset: pytest.fail('counted again'))
    assert same(first, loader(rare_class_temperature=0.1).batch(5))


# No leak, and pseudo-labels

@pytest.mark.parametrize('settings', [{}, {'rare_class_temperature': 0.1, 'cat_max_ratio': 0.5}, {'workers': 1}])
def test_labels_of_the_target_are_never_opened(settings):
    made = loader(**settings)
    assert all(batch.target_label is None for batch in made.batches(0, 4))
    assert len(list(made.target_images())) == 4
    with pytest.raises(AssertionError, match='label of a target'):  # they would be noticed
        made._target.datasets[0].label(0)


def test_planted_labels_of_the_target_change_nothing():
    class Other(Painted):
        def label(self, index):
            return np.full(self.size, 5, np.uint8)

        def image(self, index):
            return np.full((*self.size, 3), 77, np.uint8)

    class Another(Other):
        def label(self, index):
            return None
    one, two = (loader(target=[kind(4)], rare_class_temperature=0.1) for kind in (Other, Another))
    assert all(same(a, b) for a, b in zip(one.batches(0, 6), two.batches(0, 6)))


def write_pseudo_labels(made, folder):
    """As a stage does: one for each of target_images, made from the picture alone."""
    folder.mkdir()
    for index, image in enumerate(made.target_images()):
        cv2.imwrite(str(folder / f'{index:06d}.png'), (image[0, 0].numpy() / 10).round().astype(np.uint8))
    return folder


@pytest.mark.parametrize('size, height, expected', [((64, 96), None, (64, 96)), ((70, 101), None, (64, 96)),
                                                    ((128, 200), 70, (64, 96)), ((20, 100), None, (32, 96))])
def test_whole_target_pictures_have_sides_for_any_network_and_come_again(size, height, expected):
    images = loader(target=[Unlabelled(2, 7, size), Unlabelled(1, 9, size)], target_height=height).target_images()
    for _ in range(2):
        seen = list(images)
        assert [tuple(image.shape) for image in seen] == [(1, 3, *expected)] * 3 and seen[0].dtype == torch.uint8
        assert [int(image[0, 0, 5, 5]) for image in seen] == [7, 8, 9]


@pytest.mark.parametrize('size, height', [((64, 96), None), ((70, 101), None), ((140, 200), 70)])
def test_pseudo_labels_are_cropped_as_their_pictures(tmp_path, size, height):
    target = [Painted(3, 50, size), Painted(2, 60, size)]
    folder = write_pseudo_labels(loader(target=target, target_height=height), tmp_path / 'labels')
    for batch in loader(target=target, target_height=height, target_labels=folder).batches(0, 8):
        assert batch.target_label.dtype == torch.uint8
        assert_aligned(batch.target_image, batch.target_label)


def test_missing_and_unfit_pseudo_labels_are_named(tmp_path):
    folder = write_pseudo_labels(loader(), tmp_path / 'labels')
    cv2.imwrite(str(folder / '000002.png'), np.zeros((5, 6), np.uint8))
    with pytest.raises(DatasetError, match=r'000002.png: 6x5 pixels, but its picture has 96x64'):
        list(loader(target_labels=folder).batches(0, 4))
    (folder / '000001.png').unlink()
    with pytest.raises(DatasetError, match=r'1 of 4 pseudo-labels are missing, 000001.png'):
        loader(target_labels=folder)


# What goes wrong

class Broken(Painted):
    def image(self, index):
        if index == 2:
            raise DatasetError('/data/000002.png: a damaged PNG')
        return super().image(index)


@pytest.mark.parametrize('workers', [0, 2])
def test_a_picture_that_cannot_be_read_is_one_clear_error(workers):
    with pytest.raises(DatasetError) as error:
        list(loader([Broken(5)], workers=workers).batches(0, 5))
    assert str(error.value) == '/data/000002.png: a damaged PNG'


def test_a_source_without_labels_is_refused():
    class Bare(Painted):
        labels = None
    with pytest.raises(DatasetError, match='has no labels'):
        loader([Bare(3)])
    with pytest.raises(DatasetError, match='source: no data set'):
        Loader([], [], Settings(batch=1, crop=CROP), 0)


@pytest.mark.parametrize('change, words', [
    ({'batch': 0}, '1 or more'), ({'crop': [0, 5]}, '1 or more'), ({'scale': [1.5, 0.5]}, 'the lesser first'),
    ({'rare_class_temperature': 0.0}, 'above 0'), ({'cat_max_ratio': 1.5}, 'at most 1'), ({'workers': -1}, '0 or more'),
    ({'cache': 5}, "did you mean 'cache_mb'")])
def test_wrong_settings_are_refused_in_words(change, words):
    with pytest.raises(ConfigError, match=words):
        from_mapping(Settings, {'batch': 2, 'crop': [32, 48], **change}, 'recipe.yaml: loader')


def test_ignored_pixels_stay_ignored():
    class Void(Painted):
        def label(self, index):
            return np.full(self.size, IGNORE, np.uint8)
    assert (loader([Void(2)], cat_max_ratio=0.75).batch(0).source_label == IGNORE).all()

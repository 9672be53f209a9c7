"""ClassMix: which classes are drawn, and where every pixel comes from."""

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.mixing import block_mask, class_mask, draw_classes, mix


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def label_of(*values: int) -> torch.Tensor:
    """1xHxW with these values, each on some pixels."""
    return torch.tensor(values).repeat(12).view(1, 4, -1)


@pytest.mark.parametrize('num_values, up, down', [(1, 1, 0), (2, 1, 1), (3, 2, 1), (4, 2, 2), (5, 3, 2), (19, 10, 9)])
@pytest.mark.parametrize('with_ignore', [False, True])
def test_half_of_the_values_are_drawn_and_ignore_counts_as_one(num_values, up, down, with_ignore):
    values = list(range(num_values - with_ignore)) + [IGNORE] * with_ignore
    for rounding, expected in (('up', up), ('down', down)):
        drawn = draw_classes(label_of(*values), rounding)
        assert drawn.shape == (1, 256) and drawn.sum() == expected
        assert set(drawn[0].nonzero()[:, 0].tolist()) <= set(values)


@pytest.mark.parametrize('values', [(0, 1, 2, 3, 4), (0, 1, 2, 3, IGNORE), (IGNORE,), (7,)])
def test_ignore_is_added_after_the_draw_where_it_always_is(values):
    for _ in range(10):
        drawn = draw_classes(label_of(*values), 'down', always_ignore=True)[0]
        classes = drawn.nonzero()[:, 0].tolist()
        # Whether IGNORE was one of the floor(K / 2) or came on top, the others are that number or one less.
        assert drawn[IGNORE] and len(values) // 2 - (IGNORE in values) <= len(classes) - 1 <= len(values) // 2


def test_every_class_is_drawn_as_often_as_any_other():
    times = sum(draw_classes(label_of(0, 1, 2, 3)).float() for _ in range(400))[0, :4]
    assert (times / 400 - 0.5).abs().max() < 0.1


def test_images_draw_for_themselves_from_their_own_values_or_from_those_of_the_batch():
    label = torch.cat([label_of(0, 1, 2, 3), label_of(4, 5, 6, 7)])
    apart = draw_classes(label)
    assert apart[0, :4].sum() == 2 == apart[1, 4:8].sum() and apart.sum() == 4
    together = draw_classes(label, per='batch')
    assert together.shape == (2, 256) and together[:, :8].sum(1).tolist() == [4, 4] and together.sum() == 8
    assert not torch.equal(together[0], together[1])  # by the seed; each image draws for itself


def test_a_pixel_is_in_the_mask_where_its_class_was_drawn():
    label = torch.randint(5, (3, 6, 6))
    label[:, 0] = IGNORE
    drawn = draw_classes(label)
    mix_mask = class_mask(label, drawn)
    assert mix_mask.dtype == torch.bool and mix_mask.shape == label.shape
    for image in range(3):
        for value in label[image].unique().tolist():
            inside = mix_mask[image][label[image] == value]
            assert inside.all() == inside.any() == drawn[image, value]


def test_crdomix_keeps_source_pixels_where_there_is_no_class_and_takes_whole_classes():
    label = torch.randint(6, (2, 8, 8))
    label[0, :3] = IGNORE
    source, restyled = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    mix_mask = class_mask(label, draw_classes(label, 'down', always_ignore=True))
    mixed = mix(mix_mask, source, restyled)
    assert torch.equal(mixed[0, :, :3], source[0, :, :3])
    for image in range(2):
        for value in label[image].unique().tolist():
            where = label[image] == value
            pixels = mixed[image][:, where]
            assert torch.equal(pixels, source[image][:, where]) or torch.equal(pixels, restyled[image][:, where])


@pytest.mark.parametrize('shape', [(2, 4, 4), (2, 3, 4, 4), (2, 19, 4, 4)])
def test_mix_takes_labels_images_and_probabilities(shape):
    mix_mask = torch.rand(2, 4, 4) > 0.5
    mixed = mix(mix_mask, torch.ones(shape), torch.zeros(shape))
    expected = mix_mask if len(shape) == 3 else mix_mask[:, None].expand(shape)
    assert torch.equal(mixed.bool(), expected)


def test_a_weight_of_an_image_mixes_with_the_weight_of_pasted_pixels():
    mix_mask, share = torch.rand(2, 4, 4) > 0.5, torch.tensor([0.25, 0.5]).view(2, 1, 1)
    weight = mix(mix_mask, torch.ones(2, 4, 4), share)
    assert torch.equal(weight, torch.where(mix_mask, 1.0, share.expand(2, 4, 4)))


def test_the_block_mask_drops_its_share_of_whole_blocks():
    image = torch.rand(4, 3, 512, 520)
    mask = block_mask(image, 16, 0.7)
    assert mask.shape == (4, 1, 512, 520) and set(mask.unique().tolist()) == {0.0, 1.0}
    assert 1 - mask.mean().item() == pytest.approx(0.7, abs=0.03)
    block = mask[0, 0, 16:32, 48:64]
    assert (block == block[0, 0]).all()
    assert not torch.equal(mask[0], mask[1])


@pytest.mark.parametrize('ratio, expected', [(0.0, 1), (1.0, 0)])
def test_a_block_mask_of_nothing_or_all(ratio, expected):
    assert (block_mask(torch.rand(1, 3, 32, 32), 8, ratio) == expected).all()


@pytest.mark.parametrize('per', ['image', 'batch'])
def test_the_same_seed_draws_the_same(per):
    label, results = torch.randint(9, (4, 8, 8)), []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(draw_classes(label, per=per))
    assert torch.equal(*results)

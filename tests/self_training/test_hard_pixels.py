from __future__ import annotations

import pytest
import torch

from uda_seg_ros.config import ConfigError, from_mapping
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.hard_pixels import HardPixels, difficulty, hardest, mean_one, weigh, weights

SETTINGS = {
    'off': HardPixels(),
    'weights': HardPixels('both', 0),
    'steep': HardPixels('both', 0, gamma=2.0),
    'gamma 0': HardPixels('both', 0, gamma=0.0),
    'hardest': HardPixels('both', 0, 'hardest', anneal=0),
}


@pytest.fixture
def hardness() -> torch.Tensor:
    return torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def valid() -> torch.Tensor:
    valid = torch.ones(3, 20, 30, dtype=torch.bool)
    valid[0, :7] = False
    valid[2] = False
    return valid


@pytest.mark.parametrize('settings', SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize('confident', [False, True])
def test_weights_have_mean_1_in_every_image_and_are_0_on_what_is_not_valid(hardness, valid, settings, confident):
    confidence = 0.2 + 0.8 * hardness.flip(2) if confident else None
    weight = weigh(hardness, valid, settings, 5, 'target', confidence)
    for i in range(2):
        assert weight[i][valid[i]].mean().item() == pytest.approx(1, abs=1e-5)
    assert (weight[~valid] == 0).all()


@pytest.mark.parametrize('settings', SETTINGS.values(), ids=SETTINGS)
def test_an_images_weights_are_the_same_when_it_stands_twice_in_the_batch(hardness, valid, settings):
    once = weigh(hardness, valid, settings, 5, 'source')
    twice = weigh(hardness.repeat(2, 1, 1), valid.repeat(2, 1, 1), settings, 5, 'source')
    assert torch.equal(twice, once.repeat(2, 1, 1))


def test_gamma_0_weighs_all_alike(hardness, valid):
    assert torch.equal(weights(hardness, valid, gamma=0.0), valid.float())


def test_harder_pixels_weigh_more_up_to_the_clip(hardness):
    hardness[:, 0, 0] = 100.0
    weight = weights(hardness, torch.ones_like(hardness, dtype=torch.bool))
    order = hardness[0].flatten().argsort()
    assert (weight[0].flatten()[order].diff() >= 0).all()
    assert weight[0].max() / weight[0].min() == pytest.approx(4 / 0.25)


def test_an_image_without_any_difficulty_weighs_all_alike():
    assert torch.allclose(weights(torch.zeros(1, 4, 5), torch.ones(1, 4, 5, dtype=torch.bool)), torch.ones(1, 4, 5))


def test_a_rare_class_of_higher_error_gets_more_than_its_share():
    hardness = torch.full((1, 20, 50), 0.1)
    hardness[0, 0, :] = 0.5
    weight = weights(hardness, torch.ones_like(hardness, dtype=torch.bool))
    assert weight[0, 0].sum() / weight.sum() > 3 * 0.05


def test_hardest_keeps_exactly_the_share_of_the_hardest(hardness, valid):
    weight = hardest(hardness, valid, 0.25)
    kept, pixels = weight[0] > 0, int(valid[0].sum())
    assert int(kept.sum()) == -(-pixels // 4)
    assert hardness[0][kept].min() >= hardness[0][valid[0] & ~kept].max()
    assert weight[0][kept] == pytest.approx(pixels / int(kept.sum()))


def test_the_share_of_hardest_falls_from_all_to_its_last(hardness):
    valid = torch.ones_like(hardness, dtype=torch.bool)
    settings = HardPixels('both', 10, 'hardest', share=0.5, anneal=100)
    shares = [(weigh(hardness, valid, settings, step, 'target') > 0).float().mean().item() for step in (0, 10, 60, 110, 500)]
    assert shares == pytest.approx([1, 1, 0.75, 0.5, 0.5], abs=0.01)


@pytest.mark.parametrize('on, source, target', [('none', False, False), ('source', True, False), ('both', True, True)])
def test_only_the_domains_it_is_on_for_are_weighted_and_not_before_its_start(hardness, valid, on, source, target):
    settings = HardPixels(on, start=100)
    for domain, weighted in (('source', source), ('target', target)):
        assert torch.equal(weigh(hardness, valid, settings, 99, domain), valid.float())
        assert torch.equal(weigh(hardness, valid, settings, 100, domain), valid.float()) != weighted


def test_difficulty_is_what_the_labels_probability_lacks_and_carries_no_gradient():
    logits = torch.randn(2, 5, 3, 4, requires_grad=True)
    label = torch.randint(5, (2, 3, 4))
    label[0, 0, 0] = IGNORE
    hardness = difficulty(logits, label)
    assert not hardness.requires_grad
    assert hardness[1, 2, 3].item() == pytest.approx(1 - logits[1, :, 2, 3].softmax(0)[label[1, 2, 3]].item(), abs=1e-6)
    assert hardness.isfinite().all()


def test_mean_one_of_nothing_is_0():
    assert (mean_one(torch.zeros(1, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool)) == 0).all()


@pytest.mark.parametrize('wrong', [{'share': 0.0}, {'gamma': -1.0}, {'clip': [0.0, 4.0]}, {'clip': [2.0, 4.0]}])
def test_a_setting_out_of_its_range_is_refused(wrong):
    with pytest.raises(ConfigError, match='hard_pixels: share must be within 0 to 1'):
        from_mapping(HardPixels, wrong, 'hard_pixels')

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from offline.parts.discriminator import Discriminators


@pytest.fixture
def discriminators():
    torch.manual_seed(0)
    return Discriminators(5, 2, width=16)


@pytest.mark.parametrize('size, expected', [((64, 96), (2, 3)), ((32, 32), (1, 1)), ((12, 20), (1, 1)), ((1, 1), (1, 1))])
def test_maps_of_any_size_are_judged(discriminators, size, expected):
    assert discriminators[0](torch.rand(2, 5, *size)).shape == (2, 1, *expected)


def test_it_is_five_convolutions_of_adaptsegnets_widths():
    convolutions = [layer for layer in Discriminators(5, 1)[0].modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 128, 256, 512, 1]
    assert {(layer.kernel_size, layer.stride, layer.padding) for layer in convolutions} == {((4, 4), (2, 2), (1, 1))}


def test_each_sides_loss_leaves_the_other_side_alone(discriminators):
    source, target = ([torch.randn(1, 5, 32, 32).softmax(1).requires_grad_() for _ in range(2)] for _ in range(2))
    discriminators.fooling_loss(target, (0.5, 1.0)).backward()
    assert all(probs.grad.abs().sum() > 0 for probs in target)
    assert all(parameter.grad is None for parameter in discriminators.parameters())
    for probs in target:
        probs.grad = None
    discriminators.domain_loss(source, target).backward()
    assert all(probs.grad is None for probs in (*source, *target))
    assert all(parameter.grad.abs().sum() > 0 for parameter in discriminators.parameters())


def test_what_fools_the_discriminator_is_what_it_is_trained_against(discriminators):
    """BCE against 'source' for the network, against the true domain for the discriminator; each averaged over the map."""
    source, target = ([torch.randn(1, 5, 64, 64).softmax(1) for _ in range(2)] for _ in range(2))
    verdicts = [[d(probs) for d, probs in zip(discriminators, domain)] for domain in (source, target)]
    fooling = sum(w * functional.softplus(verdict).mean() for w, verdict in zip((0.3, 0.7), verdicts[1]))
    domain = sum((functional.softplus(s).mean() + functional.softplus(-t).mean()) / 2 for s, t in zip(*verdicts))
    assert torch.allclose(discriminators.fooling_loss(target, (0.3, 0.7)), fooling)
    assert torch.allclose(discriminators.domain_loss(source, target), domain)


def test_trained_alone_they_tell_the_domains_apart(discriminators):
    first_class = 2 * torch.eye(5)[0, :, None, None]
    source, target = ([(torch.randn(2, 5, 32, 32) + shift).softmax(1) for _ in range(2)]
                      for shift in (0, first_class))
    optimiser = torch.optim.Adam(discriminators.parameters(), 1e-3)
    for _ in range(8):
        optimiser.zero_grad()
        discriminators.domain_loss(source, target).backward()
        optimiser.step()
    with torch.no_grad():
        assert discriminators[0](source[0]).max() < 0 < discriminators[0](target[0]).min()

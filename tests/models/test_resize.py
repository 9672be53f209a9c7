"""Logits are enlarged as PyTorch does it, by another way."""

import pytest
import torch
from torch.nn import functional

from uda_seg_ros.models.resize import resize_logits


@pytest.mark.parametrize('size', [(16, 24), (37, 41), (5, 7), (1, 1), (3, 60)])
def test_logits_and_their_gradient_are_those_of_pytorch(size):
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(2, 5, 5, 7, generator=generator).contiguous(memory_format=torch.channels_last).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weight = torch.randn(2, 5, *size, generator=generator)
    (resize_logits(ours, size) * weight).sum().backward()
    expected = functional.interpolate(theirs, size=size, mode='bilinear', align_corners=False)
    (expected * weight).sum().backward()
    torch.testing.assert_close(resize_logits(ours, size), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-4)


def test_matrices_made_in_inference_mode_can_be_trained_through():
    with torch.inference_mode():
        resize_logits(torch.zeros(1, 2, 9, 11), (13, 17))
    logits = torch.zeros(1, 2, 9, 11, requires_grad=True)
    resize_logits(logits, (13, 17)).sum().backward()
    assert float(logits.grad.sum()) == pytest.approx(2 * 13 * 17, rel=1e-4)

"""What single networks promise beyond the contract."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from uda_seg_ros.models import build
from uda_seg_ros.models.segformer import FuseHead

# Million parameters with 19 classes: encoder, and with a head of width 256.
PUBLISHED = {'b0': (3.32, 3.72), 'b1': (13.15, 13.68), 'b2': (24.20, 24.73), 'b3': (44.07, 44.60), 'b4': (60.84, 61.37),
             'b5': (81.44, 81.97)}


def millions(module: torch.nn.Module) -> float:
    return round(sum(parameter.numel() for parameter in module.parameters()) / 1e6, 2)


@pytest.mark.parametrize('variant', PUBLISHED)
def test_segformer_has_the_published_number_of_parameters(variant):
    with torch.device('meta'):
        network = build(f'segformer_{variant}', 19, head='fuse', width=256)
    assert (millions(network.encoder), millions(network)) == PUBLISHED[variant]


@pytest.mark.parametrize('name, settings, expected', [
    ('fast_scnn', {}, 1.14), ('deeplab_v2_resnet50', {}, 24.91), ('deeplab_v2_resnet101', {}, 43.90),
    ('drn_d_22', {}, 15.89), ('drn_d_38', {}, 26.00), ('fast_scnn', {'width': 0.5}, 0.30)])
def test_number_of_parameters(name, settings, expected):
    with torch.device('meta'):
        assert millions(build(name, 19, **settings)) == expected


@pytest.mark.parametrize('name, width', [('segformer_b0', 256), ('segformer_b1', 256), ('segformer_b2', 768),
                                         ('segformer_b5', 768)])
def test_heads_have_the_reference_width_and_the_fuse_head_is_narrower(name, width):
    with torch.device('meta'):
        assert build(name, 19).head.classifier.in_channels == width
        assert build(name, 19, head='fuse').head.classifier.in_channels < width
        assert build(name, 19, width=96).head.classifier.in_channels == 96


def plain(head: FuseHead, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The head as it is written: embed, enlarge, join (coarsest first), fuse, classify."""
    size = features[0].shape[-2:]
    maps = [functional.interpolate(embed(feature.movedim(1, -1)).movedim(-1, 1), size, mode='bilinear')
            for embed, feature in zip(head.embeddings, features)]
    return head.classifier(head.dropout(torch.relu(head.norm(head.fuse(torch.cat(maps[::-1], 1))))))


@pytest.mark.parametrize('training', [False, True])
def test_the_fused_head_equals_the_plain_one_in_logits_and_gradients(training):
    torch.manual_seed(0)
    head = FuseHead((8, 12, 16, 20), 24, 5, dropout=0.0).double().train(training)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    features = tuple(torch.randn(2, channels, 16 // 2 ** stage, 24 // 2 ** stage, dtype=torch.float64)
                     for stage, channels in enumerate((8, 12, 16, 20)))
    results = []
    for forward in (head, lambda x: plain(head, x)):
        head.zero_grad()
        logits = forward(features)
        logits.square().mean().backward()
        results.append([logits.detach()] + [parameter.grad.clone() for parameter in head.parameters()])
    for fused, expected in zip(*results):
        torch.testing.assert_close(fused, expected)


@pytest.mark.parametrize('name, settings, words', [
    ('segformer_b0', {'head': 'fused'}, "'fused' is not possible .did you mean 'fuse'"),
    ('segformer_b0', {'width': 0}, 'width must be 1 or more'),
    ('fast_scnn', {'width': 0.0}, 'width must be above 0'),
    ('fast_scnn', {'widht': 0.5}, "did you mean 'width'"),
    ('segformer', {'channels': (8, 8, 8, 8)}, "missing key 'depths'"),
    ('segformer', {'channels': (8, 8, 8, 9), 'depths': (1, 1, 1, 1), 'heads': (1, 1, 1, 2)}, 'multiples of the heads'),
    ('deeplab_v2_resnet50', {'dilations': ()}, 'dilations'),
    ('segfromer_b0', {}, "did you mean 'segformer_b0'")])
def test_wrong_settings_are_refused_in_words(name, settings, words):
    with pytest.raises(ValueError, match=words):
        build(name, 19, **settings)


@pytest.mark.parametrize('name, settings', [('fast_scnn', {}), ('segformer_b0', {'head': 'fuse'})])
def test_the_students_can_be_exported_with_the_same_logits(name, settings):
    network = build(name, 19, **settings).eval()
    image = torch.randn(1, 3, 64, 128)
    exported = torch.export.export(network, (image,)).module()
    with torch.inference_mode():
        torch.testing.assert_close(exported(image), network(image))

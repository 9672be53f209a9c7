from __future__ import annotations

import pytest
import torch

from offline.parts.auxiliary_head import AuxiliaryHead, feature_channels, two_heads
from uda_seg_ros.models import build

NETWORKS = [('fast_scnn', {'width': 0.25}, 16), ('segformer_b0', {}, 160), ('drn_d_22', {}, 512),
            ('deeplab_v2_resnet50', {}, 1024)]


@pytest.mark.parametrize('name, settings, channels', NETWORKS)
def test_the_inner_head_sits_on_the_networks_own_inner_feature(name, settings, channels):
    network = build(name, 7, **settings).eval()
    auxiliary = AuxiliaryHead(network)
    assert auxiliary.classifier.in_channels == channels
    inner, outer = two_heads(network, auxiliary, torch.rand(1, 3, 64, 96), (60, 90))
    assert inner.shape == outer.shape == (1, 7, 60, 90)


def test_of_a_drn_that_is_level_6():
    """Levels 7 and 8 only smooth: level 6 is the last residual one, at 512 channels as they are."""
    network = build('drn_d_22', 7)
    assert AuxiliaryHead(network).feature == -3 and len(network.levels) == 7


def test_looking_for_the_channels_changes_nothing():
    network = build('fast_scnn', 7, width=0.25).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert len(feature_channels(network)) == 2 and network.training and network.fine.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_feature_that_is_not_there_is_one_clear_error():
    with pytest.raises(ValueError, match='feature 2: FastSCNN has 2 features; give -2 to 1'):
        AuxiliaryHead(build('fast_scnn', 7, width=0.25), 2)


def test_it_knows_whether_it_was_ever_trained():
    network = build('fast_scnn', 7, width=0.25)
    auxiliary = AuxiliaryHead(network)
    image = torch.rand(2, 3, 32, 32)
    two_heads(network, auxiliary.eval(), image, (32, 32))
    with torch.no_grad():
        two_heads(network, auxiliary.train(), image, (32, 32))
    assert not auxiliary.trained
    two_heads(network, auxiliary, image, (32, 32))
    assert auxiliary.trained and 'trained' in auxiliary.state_dict()

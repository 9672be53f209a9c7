"""The command that makes a bundle of published weights."""

from __future__ import annotations

import pytest
import torch

from offline.__main__ import main
from uda_seg_ros.bundle import Bundle
from uda_seg_ros.labels import CAMVID, CITYSCAPES
from uda_seg_ros.models import build


@pytest.fixture
def weights(tmp_path):
    """Of a network with 19 classes, by our own names."""
    from safetensors.torch import save_file
    torch.manual_seed(3)
    network = build('fast_scnn', CITYSCAPES.num_classes, width=0.25)
    save_file(network.state_dict(), tmp_path / 'published.safetensors')
    return tmp_path / 'published.safetensors', network


def adopt(weights, out, *more) -> int:
    return main(['adopt', str(weights), '--network', 'fast_scnn', '--settings', '{width: 0.25}', '--size', '128x64',
                 '--out', str(out), *more])


def test_a_bundle_of_weights_is_the_network(weights, tmp_path):
    file, network = weights
    assert adopt(file, tmp_path / 'out', '--labels', 'cityscapes19', '--stretch') == 0
    bundle = Bundle.load(tmp_path / 'out')
    assert (bundle.preprocess.height, bundle.preprocess.width, bundle.preprocess.keep_aspect) == (64, 128, False)
    assert all(torch.equal(tensor, bundle.tensors[name]) for name, tensor in network.state_dict().items())


def test_the_first_outputs_alone_may_be_the_classes(weights, tmp_path):
    file, network = weights
    assert adopt(f'{file}?classes=first', tmp_path / 'out', '--labels', 'camvid11') == 0
    bundle = Bundle.load(tmp_path / 'out')
    image = torch.rand(1, 3, 64, 128)
    with torch.no_grad():
        torch.testing.assert_close(bundle.network()(image), network.eval()(image)[:, :CAMVID.num_classes])


@pytest.mark.parametrize('arguments, message', [
    (('--labels', 'kitti'), "'kitti' is unknown"), (('--labels', 'camvid11'), 'classes=map'),
    (('--labels', 'cityscapes19', '--network', 'unet'), "'unet' is unknown")])
def test_what_is_wrong_is_told(weights, tmp_path, capsys, arguments, message):
    assert adopt(weights[0], tmp_path / 'out', *arguments) == 1
    assert message in capsys.readouterr().err and not (tmp_path / 'out').exists()

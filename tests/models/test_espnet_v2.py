"""ESPNetv2 gives the outputs that the published weights gave in their authors' program."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from offline.recipe import NetworkSpec
from offline.weights.initial import load
from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.labels import CITYSCAPES, LabelSpace
from uda_seg_ros.models import build
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.runtime.fold import fold_norms, folded
from uda_seg_ros.structures import Frame

SIZES = ('0.5_city', '1.0_city', '1.5_city', '2.0_city', '0.5_pascal', '1.0_pascal', '2.0_pascal')
MEAN, STD = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))


def label_space(num_classes: int) -> LabelSpace:
    return LabelSpace('any', tuple(map(str, range(num_classes))), ((0, 0, 0),) * num_classes)


def published(data_root, size: str):
    """(network with the published weights, image, stored outputs)."""
    cv2 = pytest.importorskip('cv2')
    stored = np.load(data_root / 'weights' / 'golden' / f'espnetv2_s_{size}_640x480.npz')
    scale, data = size.split('_')
    (weights,) = (data_root / 'weights' / f'espnetv2_{data}').glob(f'espnetv2_s_{scale}_*.pth')
    num_classes = len(stored['logits_every16'])
    spec = NetworkSpec('espnet_v2', {'scale': float(scale)}, str(weights))
    network = build(spec.name, num_classes, **spec.settings)
    assert 'ESPNetv2 of EdgeNets' in load(network, spec, label_space(num_classes))
    picture = cv2.resize(cv2.imread(str(data_root / str(stored['image']))), (640, 480))[:, :, ::-1].astype(np.float32)
    image = torch.from_numpy(((picture / 255 - MEAN) / STD).transpose(2, 0, 1).copy())[None]
    return network.eval(), image, stored


@pytest.mark.parametrize('size', SIZES)
def test_published_weights_give_the_published_outputs(data_root, size):
    network, image, stored = published(data_root, size)
    with torch.inference_mode():
        logits = network(image)
        full = functional.interpolate(logits, image.shape[-2:], mode='bilinear', align_corners=True)[0]
    np.testing.assert_allclose(full[:, ::16, ::16].numpy(), stored['logits_every16'], atol=1e-3, rtol=0)
    assert (full.argmax(0).numpy() == stored['argmax']).mean() > 0.999


def test_the_packages_own_enlargement_of_the_logits_tells_almost_the_same_classes(data_root):
    network, image, stored = published(data_root, '1.0_city')
    with torch.inference_mode():
        label = network(image, tuple(image.shape[-2:]))[0].argmax(0).numpy()
    assert (label == stored['argmax']).mean() > 0.99


@pytest.mark.parametrize('scale, expected', [(0.5, 0.08), (1.0, 0.23), (1.5, 0.47), (2.0, 0.79)])
def test_number_of_parameters(scale, expected):
    with torch.device('meta'):
        network = build('espnet_v2', CITYSCAPES.num_classes, scale=scale)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 2) == expected


def test_random_weights_folded_give_the_same_logits_with_fewer_layers():
    torch.manual_seed(0)
    network = build('espnet_v2', 5, scale=0.5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                torch.nn.init.uniform_(tensor, 0.5, 1.5)
    network.eval()
    image = torch.randn(1, 3, 64, 96)
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.inference_mode():
        expected = network(image)
        pairs = fold_norms(network)
        network.load_state_dict(folded(tensors, pairs))
        torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    # Not folded: what joins branches, sums or scales, of 13 EESP blocks, 4 pyramids, and 3 + 3 around the decoder's sums.
    left = sum(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    assert left == 13 + 4 + 6 and len(pairs) == 1 + 13 * 2 + 3 * 2 + 4 * 2 + 3


@pytest.mark.parametrize('settings, words', [
    ({'scale': 0.7}, 'scale: 0.7 is not possible'), ({'projection': 0}, 'projection must')])
def test_wrong_settings_are_refused_in_words(settings, words):
    with pytest.raises(ValueError, match=words):
        build('espnet_v2', 5, **settings)


def test_the_engine_segments_with_it(tmp_path):
    torch.manual_seed(0)
    network = build('espnet_v2', CITYSCAPES.num_classes, scale=0.5).eval()
    preprocess = Preprocess(64, 96, mean=tuple(map(float, MEAN)), std=tuple(map(float, STD)))
    bundle = Bundle(ModelSpec('espnet_v2', {'scale': 0.5}), CITYSCAPES, preprocess, network.state_dict())
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    mask = Engine(Bundle.load(bundle.save(tmp_path / 'bundle')), device='cpu')(Frame(picture)).mask
    image = torch.from_numpy(((picture / np.float32(255) - MEAN) / STD).transpose(2, 0, 1).copy())[None]
    with torch.inference_mode():
        expected = network(image, (64, 96))[0].argmax(0).numpy()
    assert len(np.unique(expected)) > 1 and (mask == expected).mean() > 0.999

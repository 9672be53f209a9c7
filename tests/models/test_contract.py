"""What every network of the table promises to engine, learner and bundle."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from torch import nn
from torch.nn import functional

from uda_seg_ros.models import NETWORKS, build

TINY = {'channels': (8, 16, 20, 16), 'depths': (1, 1, 1, 1), 'heads': (1, 2, 5, 2), 'width': 16}
CASES: dict[str, dict] = {
    'fast_scnn': {},
    'espnet_v2': {'scale': 0.5},
    'segformer': TINY,
    'segformer_b0': {},
    'segformer_b1': {'head': 'fuse'},
    'segformer_b2': {},
    'segformer_b3': {'head': 'fuse'},
    'segformer_b4': {'head': 'fuse'},
    'segformer_b5': {'head': 'fuse'},
    'deeplab_v2_resnet50': {},
    'deeplab_v2_resnet101': {},
    'drn_d_22': {},
    'drn_d_38': {},
}
CLASSES = 7


def test_cases_are_the_table():
    assert list(CASES) == list(NETWORKS)


@pytest.fixture(scope='module', params=CASES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope='module')
def network(name):
    torch.manual_seed(0)
    return build(name, CLASSES, **CASES[name]).eval()


@pytest.fixture
def image(network) -> torch.Tensor:
    side = max(64, network.multiple)
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


def test_logits_have_the_classes_and_the_stride_it_tells(network, image):
    with torch.inference_mode():
        for batch in (image, image[:1]):
            logits = network(batch)
            assert logits.shape == (len(batch), CLASSES, image.shape[2] // network.stride, image.shape[3] // network.stride)
            assert logits.isfinite().all()


@pytest.mark.parametrize('sides', [(1, 1), (1, 3), (5, 2)])
def test_takes_any_side_that_is_a_multiple(network, sides):
    height, width = (network.multiple * side for side in sides)
    with torch.inference_mode():
        logits = network(torch.zeros(1, 3, height, width))
    assert logits.shape[-2:] == (height // network.stride, width // network.stride)


def test_size_interpolates_the_logits_bilinearly(network, image):
    with torch.inference_mode():
        expected = functional.interpolate(network(image), (50, 70), mode='bilinear', align_corners=False)
        close = {'rtol': 1e-5, 'atol': 1e-6 * float(expected.abs().max())}
        torch.testing.assert_close(network(image, size=(50, 70)), expected, **close)


def test_features_go_from_fine_to_coarse_and_the_head_completes_them(network, image):
    with torch.inference_mode():
        features = network.forward_features(image)
        heights = [feature.shape[-2] for feature in features]
        assert isinstance(features, tuple) and heights == sorted(heights, reverse=True)
        torch.testing.assert_close(network.forward_head(features), network(image))


def test_head_parts_are_the_submodules_that_only_the_head_uses(network, image):
    called = set()
    hooks = [module.register_forward_hook(lambda *_, name=name: called.add(name.split('.')[0]))
             for name, module in network.named_modules() if name]
    with torch.inference_mode():
        network.forward_features(image[:1])
    for hook in hooks:
        hook.remove()
    assert network.head_parts and called == {name for name, _ in network.named_children()} - set(network.head_parts)


def test_the_embedding_is_what_the_classifier_sees_before_any_dropout(network, image):
    with torch.no_grad():
        features = network.forward_features(image)
        embedding = network.forward_embedding(features)
        logits = network.forward_classifier(embedding)
        torch.testing.assert_close(logits, network(image))
        assert embedding.shape == (len(image), network.embedding_channels, *logits.shape[-2:])
        dropouts = [module.train() for module in network.modules() if isinstance(module, nn.modules.dropout._DropoutNd)]
        torch.testing.assert_close(network.forward_embedding(features), embedding, rtol=0, atol=0)
        for dropout in dropouts:
            dropout.eval()


def test_a_picture_is_segmented_alike_alone_and_in_a_batch(network, image):
    with torch.inference_mode():
        torch.testing.assert_close(network(image)[1:], network(image[1:]), rtol=1e-3, atol=1e-4)


def test_evaluation_is_deterministic(network, image):
    with torch.inference_mode():
        assert torch.equal(network(image), network(image))


def test_channels_last_gives_the_same_logits(network, image):
    with torch.no_grad():
        plain = network(image)
        network.to(memory_format=torch.channels_last)
        last = network(image.contiguous(memory_format=torch.channels_last))
        network.to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(last, plain, rtol=1e-3, atol=1e-3)


def test_tensors_through_a_file_into_an_empty_network_give_the_same_logits(network, name, image):
    with torch.device('meta'):
        copy = build(name, CLASSES, **CASES[name])
    copy.to_empty(device='cpu').load_state_dict(load(save(network.state_dict())))
    with torch.inference_mode():
        assert torch.equal(copy.eval()(image), network(image))


def test_holds_no_tensor_that_its_state_lacks(network):
    held = {key for key, _ in (*network.named_parameters(), *network.named_buffers())}
    assert held == set(network.state_dict())


def test_training_at_batch_1_gives_every_parameter_a_gradient(network, name, image):
    network.train()
    try:
        # Stochastic depth may drop a branch of the one picture; two tries with other draws reach every block.
        for seed in range(2):
            torch.manual_seed(seed)
            logits = network(image[:1])
            functional.cross_entropy(logits, torch.randint(CLASSES, (1, *logits.shape[-2:]))).backward()
        without = [key for key, parameter in network.named_parameters() if parameter.grad is None]
        broken = [key for key, parameter in network.named_parameters()
                  if parameter.grad is not None and not parameter.grad.isfinite().all()]
        assert not without and not broken
    finally:
        network.zero_grad(set_to_none=True)
        network.eval()


def test_refuses_a_setting_it_does_not_have_and_names_it(name):
    with pytest.raises(ValueError, match='drop_outt'):
        build(name, CLASSES, **CASES[name], drop_outt=0.5)

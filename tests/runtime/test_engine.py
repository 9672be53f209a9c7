import threading
import tracemalloc

import numpy as np
import pytest
import torch
from torch.nn import functional

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.runtime.engine import Engine, EngineError, parse_output_size
from uda_seg_ros.runtime.preprocess import Preprocessor
from uda_seg_ros.structures import Frame, Weights

from .conftest import votes_for


def plain(bundle, frame, size, out):
    """Mask of a frame the plain way: the bundle's own network, all logits interpolated to `out`, argmax."""
    preprocess = bundle.preprocess
    preprocessor = Preprocessor(preprocess.mean, preprocess.std, torch.device('cpu'), torch.float32)
    image = preprocessor([frame.image], size)
    with torch.inference_mode():
        logits = functional.interpolate(bundle.network()(image), size=out, mode='bilinear', align_corners=False)
    return logits[0].argmax(0).numpy()


@pytest.mark.parametrize('height, width', [(120, 160), (128, 256), (97, 61)])
def test_agrees_with_the_plain_way(lively_bundle, picture, height, width):
    engine, frame = Engine(lively_bundle, device='cpu'), picture(height, width)
    answer = engine(frame, entropy=True)
    expected = plain(lively_bundle, frame, engine.network_size(height, width), (height, width))
    assert len(np.unique(expected)) > 3
    assert (answer.mask == expected).mean() >= 0.9999
    assert answer.mask.shape == answer.confidence.shape == answer.entropy.shape == (height, width)
    assert (answer.stamp_ns, answer.camera, answer.weights_version) == (0, 'camera0', 0)


def test_confidence_and_entropy_are_made_only_when_asked_for(lively_bundle, picture):
    answer = Engine(lively_bundle, device='cpu')(picture(64, 64), confidence=False)
    assert answer.confidence is None
    assert answer.entropy is None


def test_frames_of_many_sizes_and_cameras_come_back_in_order(lively_bundle, picture):
    engine = Engine(lively_bundle, device='cpu')
    frames = [picture(*size, seed) for seed, size in enumerate([(64, 96), (50, 40), (64, 96), (96, 64), (50, 40)])]
    for frame, answer in zip(frames, engine.batch(frames)):
        alone = engine(frame)
        assert (answer.stamp_ns, answer.camera) == (frame.stamp_ns, frame.camera)
        assert answer.mask.shape == frame.image.shape[:2]
        assert (answer.mask == alone.mask).mean() >= 0.999
    assert engine.batch([]) == []


@pytest.mark.parametrize('output_size, shape', [('input', (60, 80)), ('network', (160, 224)), ('33x21', (21, 33))])
def test_output_size_is_kept_and_can_change_between_frames(lively_bundle, picture, output_size, shape):
    engine = Engine(lively_bundle, device='cpu')
    assert engine.output_size == 'input'
    engine.output_size = output_size
    assert engine.output_size == output_size
    assert engine(picture(60, 80)).mask.shape == shape


@pytest.mark.parametrize('text', ['', 'output', '640', '0x5', '5x-1', '640*480', '640 x 480', '999999x1'])
def test_impossible_output_sizes_are_refused(text):
    with pytest.raises(ValueError, match=r'output_size .* is not possible'):
        parse_output_size(text)


def test_a_size_of_its_own_replaces_the_bundles(lively_bundle):
    assert Engine(lively_bundle, device='cpu').network_size(480, 960) == (128, 256)
    assert Engine(lively_bundle, device='cpu', size=(64, 128)).network_size(480, 960) == (64, 128)


def test_the_threshold_can_change_between_frames(lively_bundle, picture):
    engine, frame = Engine(lively_bundle, device='cpu', threshold=0.5), picture(64, 96)
    unsure = engine(frame).confidence < 127
    assert 0 < unsure.mean() < 1
    assert (engine(frame).mask[unsure] == IGNORE).all()
    engine.threshold = 0.0
    assert (engine(frame).mask != IGNORE).all()


@pytest.mark.parametrize('image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8),
                                   np.zeros((4, 4, 3), np.float32)], ids=str)
def test_what_is_no_picture_is_refused_and_the_next_frame_goes_on(lively_bundle, picture, image):
    engine = Engine(lively_bundle, device='cpu')
    with pytest.raises(EngineError, match='HxWx3 uint8'):
        engine(Frame(image))
    assert engine(picture(64, 64)).mask.shape == (64, 64)


@pytest.mark.parametrize('device', ['gpu', 'cuda:', 'cuda:x', '', 'cuda:99'])
def test_a_device_that_is_not_there_is_refused(lively_bundle, device):
    with pytest.raises(EngineError, match=f'device {device!r} is not'):
        Engine(lively_bundle, device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason='a CUDA device is here')
def test_cuda_asked_for_and_absent_is_an_error_and_auto_is_the_cpu(lively_bundle):
    with pytest.raises(EngineError, match=r"'cuda' is not here.*'cpu'"):
        Engine(lively_bundle, device='cuda')
    assert Engine(lively_bundle, device='auto').device == torch.device('cpu')


def test_half_precision_keeps_the_labels(lively_bundle, picture):
    frame = picture(120, 160)
    engine = Engine(lively_bundle, device='cpu', half=True)
    assert engine.precision == 'bf16'
    full = Engine(lively_bundle, device='cpu')(frame)
    agreed, sure = engine(frame).mask == full.mask, full.confidence > 127
    assert sure.mean() > 0.1
    assert agreed[sure].mean() >= 0.99
    assert agreed.mean() >= 0.95


def test_frames_of_one_size_need_no_new_memory(lively_bundle, picture):
    engine, frame = Engine(lively_bundle, device='cpu'), picture(120, 160)
    addresses = set()
    engine._network.register_forward_pre_hook(lambda _, args: addresses.add(args[0].data_ptr()))
    for _ in range(3):
        engine(frame, entropy=True)
    tracemalloc.start()
    engine(frame, entropy=True)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        engine(frame, entropy=True)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(addresses) == 1
    assert grown < frame.image.size / 3


def test_new_weights_give_what_an_engine_made_of_them_gives(lively_bundle, picture):
    torch.manual_seed(2)
    tensors = {name: tensor * torch.empty_like(tensor).uniform_(0.8, 1.2) if tensor.is_floating_point() else tensor
               for name, tensor in lively_bundle.tensors.items()}
    before = {name: tensor.clone() for name, tensor in lively_bundle.tensors.items()}
    engine, frame = Engine(lively_bundle, device='cpu'), picture(120, 160)
    old = engine(frame)
    engine.load_weights(Weights(7, tensors))
    new = engine(frame)
    other = type(lively_bundle)(lively_bundle.model, lively_bundle.labels, lively_bundle.preprocess, tensors)
    fresh = Engine(other, device='cpu')(frame)
    assert new.weights_version == engine.weights_version == 7
    np.testing.assert_array_equal(new.mask, fresh.mask)
    np.testing.assert_array_equal(new.confidence, fresh.confidence)
    assert (new.mask != old.mask).any()
    assert all(torch.equal(lively_bundle.tensors[name], before[name]) for name in before)


def broken(tensors, name, **change):
    result = dict(tensors)
    if 'value' in change:
        result[name] = torch.full_like(result[name], change['value'])
    elif 'shape' in change:
        result[name] = torch.zeros(change['shape'])
    elif 'renamed' in change:
        result[change['renamed']] = result.pop(name)
    else:
        del result[name]
    return result


LAST = 'classifier.3.bias'
DAMAGES = [(LAST, {}, f'missing tensor {LAST!r}'), (LAST, {'renamed': 'x'}, 'missing tensor'),
           (LAST, {'shape': (3,)}, r'has shape \(3,\), needed: \(19,\)'), (LAST, {'value': float('nan')}, 'not finite'),
           ('fine.0.1.running_var', {'value': -1.0}, 'not finite'), (LAST, {'value': float('inf')}, 'not finite')]


@pytest.mark.parametrize('name, change, message', DAMAGES)
def test_damaged_weights_are_refused_whole(lively_bundle, picture, name, change, message):
    engine, frame = Engine(lively_bundle, device='cpu'), picture(64, 96)
    before = engine(frame)
    tensors = {key: tensor * 0 for key, tensor in lively_bundle.tensors.items()}
    tensors['fine.0.1.running_var'] += 1
    with pytest.raises(EngineError, match=f'weights version 5: .*{message}'):
        engine.load_weights(Weights(5, broken(tensors, name, **change)))
    np.testing.assert_array_equal(engine(frame).confidence, before.confidence)
    assert engine.weights_version == 0


def test_unknown_tensors_are_refused(lively_bundle):
    engine = Engine(lively_bundle, device='cpu')
    with pytest.raises(EngineError, match="unknown tensor 'extra'"):
        engine.load_weights(Weights(1, {**lively_bundle.tensors, 'extra': torch.zeros(1)}))


def test_every_frame_sees_one_version_whole_while_weights_are_swapped_a_thousand_times(votes_bundle, picture):
    engine, frame = Engine(votes_bundle, device='cpu'), picture(32, 64)
    engine.load_weights(votes_for(3, 1))
    confidence = int(engine(frame).confidence[0, 0])
    sets = [votes_for(7, 0).tensors, votes_for(3, 1).tensors]

    def swap():
        for version in range(2, 1002):
            engine.load_weights(Weights(version, sets[version % 2]))

    swapper, seen = threading.Thread(target=swap), []
    swapper.start()
    while swapper.is_alive():
        seen.append(engine(frame))
    seen.append(engine(frame))
    for answer in seen:
        assert (answer.mask == (7, 3)[answer.weights_version % 2]).all()
        assert (answer.confidence == confidence).all()
    versions = [answer.weights_version for answer in seen]
    assert versions == sorted(versions)
    assert versions[-1] == 1001
    assert len(set(versions)) > 20


def test_a_closed_engine_says_so(lively_bundle, picture):
    engine = Engine(lively_bundle, device='cpu')
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match='closed'):
        engine(picture(64, 64))
    with pytest.raises(EngineError, match='closed'):
        engine.load_weights(Weights(1, lively_bundle.tensors))


def test_a_size_that_is_asked_for_is_the_input_of_the_network_whatever_the_aspect(lively_bundle):
    engine = Engine(lively_bundle, size=(96, 224))
    assert engine.network_size(480, 640) == engine.network_size(1080, 1920) == (96, 224)

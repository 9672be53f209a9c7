import cv2
import numpy as np
import pytest
import torch

from uda_seg_ros.runtime.preprocess import Preprocessor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CPU = torch.device('cpu')


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def plain(picture, size):
    """The same in numpy, step by step."""
    resized = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return ((resized / np.float32(255) - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)


SIZES = [((48, 64), (32, 64)), ((48, 64), (48, 64)), ((31, 17), (64, 96)), ((1, 1), (32, 32))]


@pytest.mark.parametrize('shape, size', SIZES)
def test_equals_plain_numpy_exactly(shape, size):
    pictures = [noise(*shape, seed) for seed in range(3)]
    image = Preprocessor(MEAN, STD, CPU, torch.float32)(pictures, size)
    assert image.shape == (3, 3, *size)
    assert image.is_contiguous(memory_format=torch.channels_last)
    for got, picture in zip(image.numpy(), pictures):
        np.testing.assert_array_equal(got, plain(picture, size))


def test_pictures_with_strides_are_read_right():
    bgr = noise(48, 128)
    view = bgr[:, ::2, ::-1]
    image = Preprocessor(MEAN, STD, CPU, torch.float32)([view], (32, 64))
    np.testing.assert_array_equal(image.numpy()[0], plain(np.ascontiguousarray(view), (32, 64)))


def test_one_size_keeps_its_buffer_and_many_sizes_do_not_pile_up():
    preprocessor = Preprocessor(MEAN, STD, CPU, torch.float32)
    addresses = {preprocessor([noise(48, 64, seed)], (32, 64)).data_ptr() for seed in range(5)}
    assert len(addresses) == 1
    for height in range(32, 32 * 20, 32):
        preprocessor([noise(48, 64)], (height, 32))
    assert len(preprocessor._buffers) <= 4


@pytest.mark.gpu
def test_the_gpu_normalises_as_the_cpu_does():
    pictures = [noise(48, 64, seed) for seed in range(2)]
    on_gpu = Preprocessor(MEAN, STD, torch.device('cuda'), torch.float32)(pictures, (32, 64))
    on_cpu = Preprocessor(MEAN, STD, CPU, torch.float32)(pictures, (32, 64))
    torch.testing.assert_close(on_gpu.cpu(), on_cpu, atol=1e-5, rtol=1e-5)

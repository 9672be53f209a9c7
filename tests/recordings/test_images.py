"""Every encoding against a reference written pixel by pixel, padded and not, in both byte orders; and every refusal.

The messages are plain objects: no ROS is needed.
"""

from __future__ import annotations

import array
from types import SimpleNamespace

import numpy as np
import pytest

from uda_seg_ros.recordings.encodings import SUPPORTED_ENCODINGS, ConversionError, encoding_advice
from uda_seg_ros.recordings.images import UnknownEncoding, image_to_mask, image_to_rgb

HEIGHT, WIDTH = 8, 10
FLAT = np.array([200, 120, 40], np.uint8)


def rgb_picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def _smooth() -> np.ndarray:
    """Colour is constant over 2x2 pixels, so subsampled colour loses nothing."""
    return np.repeat(np.repeat(rgb_picture()[::2, ::2], 2, axis=0), 2, axis=1)[:HEIGHT, :WIDTH] // 2 + 64


def _yuv(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """BT.601, video range."""
    r, g, b = (rgb[..., i].astype(float) for i in range(3))
    y = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
    u = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255
    v = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255
    return tuple(np.clip(np.rint(x), 0, 255).astype(np.uint8) for x in (y, u, v))


def _interleaved(rgb: np.ndarray, order: str) -> np.ndarray:
    """HxWx2: brightness of each pixel beside u and v in turn. order: 'uyvy' or 'yuyv'."""
    y, u, v = _yuv(rgb)
    colour = u.copy()
    colour[:, 1::2] = v[:, ::2]
    return np.stack([colour, y] if order == 'uyvy' else [y, colour], axis=-1)


def _planes(rgb: np.ndarray, first: str) -> np.ndarray:
    y, u, v = _yuv(rgb)
    colour = np.empty((HEIGHT // 2, WIDTH), np.uint8)
    colour[:, ::2], colour[:, 1::2] = (u, v)[first == 'v'][::2, ::2], (v, u)[first == 'v'][::2, ::2]
    return np.vstack([y, colour])


def _mosaic(pattern: str) -> np.ndarray:
    """The flat colour through a colour filter: pattern names the filters of the first four pixels."""
    raw = np.empty((HEIGHT, WIDTH), np.uint8)
    for i, letter in enumerate(pattern):
        raw[i // 2 :: 2, i % 2 :: 2] = FLAT['rgb'.index(letter)]
    return raw


def _grey(values: np.ndarray) -> np.ndarray:
    return np.stack([values] * 3, axis=-1)


def _cases() -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """encoding: (samples as stored, expected RGB, tolerance)."""
    rgb, smooth = rgb_picture(), _smooth()
    alpha = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 1), np.uint8)
    deep = np.random.default_rng(5).integers(0, 65536, (HEIGHT, WIDTH), np.uint16)
    grey, grey16 = _grey(rgb[..., 0]), _grey(np.rint(deep / 257).astype(np.uint8))
    flat = np.broadcast_to(FLAT, (HEIGHT, WIDTH, 3))
    cases = {'rgb8': (rgb, rgb, 0), 'bgr8': (rgb[..., ::-1], rgb, 0), '8UC3': (rgb[..., ::-1], rgb, 0),
             'rgba8': (np.concatenate([rgb, alpha], -1), rgb, 0),
             'bgra8': (np.concatenate([rgb[..., ::-1], alpha], -1), rgb, 0),
             'mono8': (rgb[..., 0], grey, 0), '8UC1': (rgb[..., 0], grey, 0),
             'mono16': (deep, grey16, 0), '16UC1': (deep, grey16, 0),
             'nv12': (_planes(smooth, 'u'), smooth, 3), 'nv21': (_planes(smooth, 'v'), smooth, 3)}
    cases |= {name: (_interleaved(smooth, 'uyvy'), smooth, 3) for name in ('yuv422', 'uyvy')}
    cases |= {name: (_interleaved(smooth, 'yuyv'), smooth, 3) for name in ('yuv422_yuy2', 'yuyv')}
    cases |= {f'bayer_{p}8': (_mosaic(p), flat, 0) for p in ('rggb', 'bggr', 'gbrg', 'grbg')}
    return cases


CASES = _cases()


def message(stored: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False) -> SimpleNamespace:
    """Bytes written row by row, with `padding` bytes of noise after each."""
    stored = stored.astype(stored.dtype.newbyteorder('>' if big_endian else '<'))
    rows = [np.ascontiguousarray(row).tobytes() + b'\xa5' * padding for row in stored]
    return SimpleNamespace(header=SimpleNamespace(frame_id='front_optical'), height=HEIGHT, width=WIDTH,
                           encoding=encoding, step=len(rows[0]),
                           is_bigendian=int(big_endian), data=array.array('B', b''.join(rows)))


def test_the_cases_cover_exactly_the_supported_encodings():
    assert set(CASES) == set(SUPPORTED_ENCODINGS)


@pytest.mark.parametrize('big_endian', [False, True], ids=['little', 'big'])
@pytest.mark.parametrize('padding', [0, 1, 6])
@pytest.mark.parametrize('encoding', SUPPORTED_ENCODINGS)
def test_an_image_is_read_as_the_reference_says(encoding, padding, big_endian):
    stored, expected, tolerance = CASES[encoding]
    rgb = image_to_rgb(message(stored, encoding, padding, big_endian))
    assert rgb.dtype == np.uint8 and rgb.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(rgb.astype(int) - expected).max() <= tolerance


def test_the_last_row_may_lack_its_padding():
    msg = message(rgb_picture(), 'bgr8', padding=6)
    msg.data = msg.data[:-6]
    assert (image_to_rgb(msg) == rgb_picture()[..., ::-1]).all()


def _broken(encoding: str = 'rgb8', **changes) -> SimpleNamespace:
    msg = message(CASES.get(encoding, CASES['rgb8'])[0], encoding)
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


@pytest.mark.parametrize(('msg', 'words'), [
    (_broken(data=array.array('B', b'\0' * 239)), ['data is short', '239', '240', '10x8', 'front_optical']),
    (_broken('nv12', data=array.array('B', b'\0' * 80)), ['data is short', '80 bytes of 120']),
    (_broken(data=array.array('B')), ['data is short', '0 bytes']),
    (_broken(width=0, height=0, step=0), ['empty', '0x0']),
    (_broken(height=0), ['empty']),
    (_broken(step=29), ['step is 29', '30 bytes']),
    (_broken(step=0), ['step is 0']),
    (_broken('yuyv', width=9), ['even width']),
    (_broken('nv21', height=7), ['even height']),
    (_broken('nv12', width=9), ['even width']),
    (_broken('rgb'), ["'rgb'", "did you mean 'rgb8'", 'supported: rgb8, bgr8', 'nv21']),
    (_broken(''), ['not supported', 'supported: rgb8']),
    (_broken('32FC1'), ['32FC1', 'depth', 'supported: rgb8']),
    (_broken('bayer_rggb16'), ['not supported']),
], ids=lambda value: value.encoding if isinstance(value, SimpleNamespace) else value[0])
def test_a_bad_image_is_refused_in_one_line(msg, words):
    with pytest.raises(ConversionError) as caught:
        image_to_rgb(msg)
    assert '\n' not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_any_size_of_a_bayer_picture_is_read():
    for height, width in ((3, 5), (7, 9)):
        msg = SimpleNamespace(height=height, width=width, step=width, encoding='bayer_rggb8', is_bigendian=0,
                              data=array.array('B', b'\x50' * (height * width)))
        assert (image_to_rgb(msg) == 0x50).all()


def test_encodings_that_may_be_depth_come_with_one_line_of_advice():
    advised = {encoding for encoding in SUPPORTED_ENCODINGS if encoding_advice(encoding)}
    assert advised == {'8UC1', '16UC1'}
    assert 'remap' in encoding_advice('8UC1')


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_a_mask_comes_back_exactly(encoding):
    mask = rgb_picture()[..., 0]
    assert (image_to_mask(message(mask, encoding, padding=3)) == mask).all()


def test_a_colour_picture_is_no_mask():
    with pytest.raises(ConversionError, match='class ids come as mono8'):
        image_to_mask(message(rgb_picture(), 'rgb8'))


@pytest.mark.parametrize(('encoding', 'unknown'), [('bayer_rggb16', True), ('rgb', True), ('32FC1', False)])
def test_what_another_library_may_still_read_is_told_apart_from_what_is_no_picture(encoding, unknown):
    with pytest.raises(ConversionError) as caught:
        image_to_rgb(_broken(encoding))
    assert isinstance(caught.value, UnknownEncoding) == unknown

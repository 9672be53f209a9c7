"""Every encoding, and all that can be wrong with an image, through one running node: a bad frame costs itself only."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image

from uda_seg_ros.ros.convert import SUPPORTED_ENCODINGS, image_to_rgb

from . import test_convert as reference
from .node_process import header, picture

NUMBERS = itertools.count(100)


@pytest.fixture(scope='module')
def stage(shared_peer, start_shared):
    """A node whose overlay is the picture as it read it (alpha 0)."""
    node = start_shared(overlay_alpha=0.0, **{'diagnostic_updater.period': 0.2})
    return SimpleNamespace(node=node, peer=shared_peer, camera=shared_peer.publisher(Image, 'image'),
                           overlays=shared_peer.collect(Image, 'segmentation/overlay'),
                           diagnostics=shared_peer.collect(DiagnosticArray, '/diagnostics'))


@pytest.mark.parametrize(('padding', 'big_endian'), [(0, False), (6, True)], ids=['tight, little', 'padded, big'])
@pytest.mark.parametrize('encoding', SUPPORTED_ENCODINGS)
def test_an_encoding_is_read_as_the_reference_says(stage, encoding, padding, big_endian):
    stored, expected, tolerance = reference.CASES[encoding]
    message = reference._message(stored, encoding, padding, big_endian)
    message.header = header(next(NUMBERS))
    overlay = stage.peer.answer(stage.camera, message, stage.overlays)
    assert overlay is not None, stage.node.log()
    assert np.abs(image_to_rgb(overlay).astype(int) - expected).max() <= tolerance


def test_untyped_images_are_read_as_grey_with_one_word_on_depth(stage):
    assert stage.node.log().count('16UC1 is read as a grey picture') == 1


BAD = {
    'an unknown encoding': ({'encoding': 'rgb9'}, "did you mean 'rgb8'"),
    'an encoding for depth': ({'encoding': '32FC1'}, 'Floating point images hold depth'),
    'short data': ({'data': b'\0' * 100}, 'data is short: 100 bytes'),
    'no pixels': ({'width': 0, 'height': 0}, 'the picture is empty'),
    'a step that is too small': ({'step': 10}, 'step is 10'),
}


def input_status(stage):
    """The newest word of diagnostics on the camera."""
    statuses = [status for array in stage.diagnostics for status in array.status if status.name.endswith('input camera')]
    return statuses[-1] if statuses else DiagnosticStatus()


@pytest.mark.parametrize('what', BAD)
def test_a_bad_image_is_an_error_in_diagnostics_and_the_next_frame_goes_on(stage, what):
    changes, words = BAD[what]
    for _ in range(3):
        bad = picture(next(NUMBERS))
        for name, value in changes.items():
            setattr(bad, name, value)
        stage.camera.publish(bad)
        stage.peer.spin_for(0.1)
    assert stage.peer.answer(stage.camera, picture(next(NUMBERS)), stage.overlays) is not None
    assert stage.peer.spin_until(lambda: words in input_status(stage).message), input_status(stage)
    assert input_status(stage).level == DiagnosticStatus.ERROR


def test_bad_images_are_counted_and_each_cause_is_logged_at_most_once_in_5_s(stage):
    counted = {pair.key: pair.value for pair in input_status(stage).values}
    assert int(counted['decode errors']) >= 2 * len(BAD)
    lines = [line for line in stage.node.log().splitlines() if '/image: frame dropped: ' in line]
    for _, words in BAD.values():
        times = [float(line.split('[')[2].split(']')[0]) for line in lines if words in line]
        assert times and all(later - earlier >= 4.9 for earlier, later in itertools.pairwise(times)), words
    assert 'Traceback' not in stage.node.log()

"""The command: what it writes, and what it says when it cannot."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from offline.__main__ import main
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.procedural import drive

SMALL = ['--size', '160x90', '--seed', '7']


def synthesize(*arguments) -> int:
    return main(['synthesize', *SMALL, *(str(argument) for argument in arguments)])


def test_pictures_lie_as_in_cityscapes(tmp_path):
    out = tmp_path / 'drive'
    assert synthesize('--out', out, '--frames', 2, '--weather', 'clear,fog', '--town', 'town_b', '--split', 'val') == 0
    files = sorted(str(path.relative_to(out)) for path in out.rglob('*.png'))
    stems = [f'town_b_000007_{frame:06d}' for frame in range(2)]
    kinds = ('labelIds', 'labelTrainIds')
    expected = [f'gtFine/val/town_b/{stem}_gtFine_{kind}.png' for stem in stems for kind in kinds]
    assert files == sorted(expected + [f'leftImg8bit/val/town_b/{stem}_leftImg8bit.png' for stem in stems])
    for stem, frame in zip(stems, drive('town_b', 7, 'clear,fog', 2, (160, 90))):
        image = cv2.imread(str(out / f'leftImg8bit/val/town_b/{stem}_leftImg8bit.png'))
        label_ids = cv2.imread(str(out / f'gtFine/val/town_b/{stem}_gtFine_labelIds.png'), cv2.IMREAD_UNCHANGED)
        train_ids = cv2.imread(str(out / f'gtFine/val/town_b/{stem}_gtFine_labelTrainIds.png'), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(image[..., ::-1], frame.image)
        assert np.array_equal(train_ids, frame.label)
        assert np.array_equal(CITYSCAPES.from_label_ids()[label_ids], frame.label)


def test_the_description_tells_the_segments(tmp_path):
    assert synthesize('--out', tmp_path / 'drive', '--weather', 'clear:1,fog:0..1:2') == 0
    description = json.loads((tmp_path / 'drive' / 'drive.json').read_text())
    assert description['complete'] and description['frames'] == 3
    assert description['segments'][1] == {'name': 'fog', 'start': 1, 'stop': 3}


def test_an_occupied_folder_is_left_alone(tmp_path, capsys):
    (tmp_path / 'precious.txt').write_text('mine')
    for extra in ([], ['--overwrite']):
        assert synthesize('--out', tmp_path, '--frames', 1, *extra) == 2
        assert (tmp_path / 'precious.txt').read_text() == 'mine'
        assert capsys.readouterr().err.splitlines()[-1].startswith(f'error: {tmp_path}')


def test_an_earlier_drive_is_replaced_when_asked(tmp_path):
    out = tmp_path / 'drive'
    assert synthesize('--out', out, '--frames', 2) == 0
    assert synthesize('--out', out, '--frames', 1) == 2
    assert synthesize('--out', out, '--frames', 1, '--overwrite') == 0
    assert len(list(out.rglob('*_leftImg8bit.png'))) == 1


@pytest.mark.parametrize('extra', [[], ['--bag', 'sqlite3'], ['--bag', 'mcap']])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, capsys, extra):
    (tmp_path / 'file').write_text('')
    assert synthesize('--out', tmp_path / 'file' / 'drive', '--frames', 1, *extra) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and errors[0].startswith('error: cannot write to') and 'file' in errors[0]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--weather', 'frog:3'], "unknown weather 'frog'"),
        (['--weather', 'clear'], 'how many frames?'),
    ],
)
def test_a_bad_schedule_is_one_line_and_makes_nothing(tmp_path, capsys, arguments, message):
    assert synthesize('--out', tmp_path / 'drive', *arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and message in errors[0]
    assert not (tmp_path / 'drive').exists()


@pytest.mark.parametrize(
    'arguments',
    [['--frames', '0'], ['--size', 'big'], ['--town', 'paris'], ['--seed', '-1'], ['--bag', 'zip'], ['--split', '../x']],
)
def test_a_bad_option_is_refused(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        synthesize('--out', tmp_path / 'drive', *arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_the_dispatcher_lists_its_commands(capsys):
    assert main([]) == 2 and main(['--help']) == 0 and main(['bake']) == 2
    captured = capsys.readouterr()
    assert 'synthesize' in captured.out and "unknown command 'bake'" in captured.err

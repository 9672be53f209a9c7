"""The video can be played again, the sheet shows the moments it says, the lettering stays inside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from uda_seg_ros.report import video
from uda_seg_ros.report.drive import Moment, caption
from uda_seg_ros.report.sheet import choose, draw, of_moment, save
from uda_seg_ros.report.video import OverlayVideo, VideoError


def flat(red: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), (red, 255 - red, 40), np.uint8)


@pytest.mark.parametrize(('height', 'width', 'size'), [(48, 64, (64, 82)), (45, 63, (62, 78)), (1080, 1920, (960, 574))])
def test_the_video_is_read_again_with_its_colours_in_order(height, width, size, tmp_path):
    path = tmp_path / 'a.webm'
    film = OverlayVideo(path, height, width, 12.5)
    assert film.size == size
    for red in (0, 120, 240):
        film.add(flat(red, height, width), '1.0 s   fog   41 ms')
    film.close()
    assert path.read_bytes()[:4] == b'\x1a\x45\xdf\xa3'  # WebM
    reader = cv2.VideoCapture(str(path))
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    for red in (0, 120, 240):
        there, picture = reader.read()
        assert there and picture.shape == (size[1], size[0], 3)
        assert np.abs(picture[5:-40, 5:-5, ::-1].astype(int).mean(axis=(0, 1)) - (red, 255 - red, 40)).max() < 12
    assert not reader.read()[0]


def test_a_frame_of_another_size_is_brought_to_the_video_s(tmp_path):
    film = OverlayVideo(tmp_path / 'a.webm', 48, 64, 10)
    film.add(flat(9), '')
    film.add(flat(9, 96, 100), '')
    film.close()
    reader = cv2.VideoCapture(str(tmp_path / 'a.webm'))
    assert reader.read()[0] and reader.read()[0] and not reader.read()[0]


def test_an_opencv_without_encoders_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(video, 'CODECS', ('NONE',))
    with pytest.raises(VideoError, match='neither VP8 nor VP9'):
        OverlayVideo(tmp_path / 'a.webm', 48, 64, 10)


def test_opening_a_video_says_nothing(tmp_path, capfd):
    OverlayVideo(tmp_path / 'a.webm', 48, 64, 10).close()
    assert capfd.readouterr().err == ''


def moments(count: int, dropped: tuple[int, ...] = ()) -> list[Moment]:
    return [Moment(index, index / 10, 'clear', None if index in dropped else 20.0) for index in range(count)]


@pytest.mark.parametrize(('count', 'dropped', 'expected'), [
    (60, (), [5, 15, 25, 35, 45, 55]), (3, (), [0, 1, 2]), (4, (1, 2), [0, 3]), (0, (), []), (2, (0, 1), [])])
def test_moments_are_spread_over_the_frames_that_have_a_mask(count, dropped, expected):
    assert choose(moments(count, dropped)) == expected


def test_the_sheet_has_a_column_a_moment_and_a_row_a_kind(tmp_path):
    pictures = {'camera': flat(250), 'mask': flat(100), 'overlay': flat(175)}
    sheet = draw([of_moment(moment, pictures) for moment in moments(3)])
    colors = {tuple(color) for color in sheet.reshape(-1, 3)}
    assert {(250, 5, 40), (100, 155, 40), (175, 80, 40)} <= colors
    rows = np.flatnonzero((sheet[:, 150] == (100, 155, 40)).all(axis=1))
    assert len(rows) == 225  # a thumb 300 pixels wide of a 64x48 picture
    for name in ('a.jpg', 'a.png'):
        save(sheet, tmp_path / name)
        assert cv2.imread(str(tmp_path / name)).shape == sheet.shape


def test_a_long_name_stays_within_its_column():
    moment = Moment(0, 100.0, 'a name that is far too long for one column of the sheet', 20.0)
    sheet = draw([of_moment(moment, {'camera': flat(250)})])
    assert (sheet[:80, -8:] == sheet[-1, -1]).all() and not (sheet[:80, 160:400] == sheet[-1, -1]).all()


@pytest.mark.parametrize(('moment', 'text'), [
    (Moment(0, 12.34, 'fog', 41.2, 90.0, 43.21), '12.3 s   fog   41 ms   mIoU 43.2 %'),
    (Moment(0, 0.0, 'drive', 7.0), '0.0 s   drive   7 ms'), (Moment(0, 2.0, 'rain'), '2.0 s   rain   dropped')])
def test_the_caption_says_what_is_known_of_a_frame(moment, text):
    assert caption(moment) == text

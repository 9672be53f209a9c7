import cv2
import numpy as np
import pytest

from uda_seg_ros.runtime.pictures import PictureError, find_pictures, read_picture, write_picture

SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8), (64, 48))


@pytest.mark.parametrize('suffix, tolerance', [('.png', 0), ('.bmp', 0), ('.jpg', 4)])
def test_colours_keep_their_order(tmp_path, suffix, tolerance):
    path = tmp_path / f'a{suffix}'
    write_picture(path, SMOOTH)
    assert np.abs(read_picture(path).astype(int) - SMOOTH).mean() <= tolerance


def test_grey_and_16_bit_pictures_become_rgb(tmp_path):
    for name, pixels in (('8.png', SMOOTH[..., 0]), ('16.png', SMOOTH[..., 0].astype(np.uint16) * 257)):
        cv2.imwrite(str(tmp_path / name), pixels)
        np.testing.assert_array_equal(read_picture(tmp_path / name), np.dstack([SMOOTH[..., 0]] * 3))


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('keep', [0, 3, 50, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, suffix, keep):
    path = tmp_path / f'a{suffix}'
    write_picture(path, SMOOTH)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(len(content) * keep)])
    with pytest.raises(PictureError, match=rf'a\{suffix}: '):
        read_picture(path)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / 'text.png').write_text('hello')
    for name, message in (('text.png', 'not a picture'), ('none.png', 'cannot be read: No such'), ('.', 'cannot be read')):
        with pytest.raises(PictureError, match=message):
            read_picture(tmp_path / name)


def test_folders_give_their_pictures_by_name(tmp_path):
    for name in ('b.PNG', 'a.jpg', 'notes.txt'):
        (tmp_path / name).write_bytes(b'')
    (tmp_path / 'empty').mkdir()
    assert [path.name for path in find_pictures([tmp_path, tmp_path / 'a.jpg'])] == ['a.jpg', 'b.PNG', 'a.jpg']
    with pytest.raises(PictureError, match='empty: no pictures in this folder'):
        find_pictures([tmp_path / 'empty'])

"""A file is there whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from uda_seg_ros.storage.cache_folder import made_once
from uda_seg_ros.storage.whole_file import write_text, write_whole


def test_a_full_disk_is_told_with_the_file_and_its_room_is_given_back(tmp_path):
    def fails(draft):
        draft.write_text('ne')
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # what write() raises: it names no file
    with pytest.raises(OSError) as error:
        write_whole(tmp_path / 'state.pt', fails)
    assert error.value.filename == str(tmp_path / 'state.pt') and not list(tmp_path.iterdir())
    with pytest.raises(OSError) as error:
        made_once(tmp_path / 'drive', lambda draft: fails(draft / 'frames'))
    assert error.value.filename == str(tmp_path / 'drive') and [path.name for path in tmp_path.iterdir()] == ['drive.lock']


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / 'state.pt'
    write_text(path, 'old')

    def fails(draft):
        draft.write_text('ne')
        raise OSError('disk full')
    with pytest.raises(OSError, match='disk full'):
        write_whole(path, fails)
    assert path.read_text() == 'old'
    write_text(path, 'new')
    assert path.read_text() == 'new' and list(tmp_path.iterdir()) == [path]

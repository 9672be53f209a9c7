"""A file is there whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from uda_seg_ros.storage.cache_folder import made_once
from uda_seg_ros.storage.whole_file import write_text, write_whole

from ..conftest import ROOT


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


def test_drafts_of_other_computers_are_left_for_a_day(tmp_path):
    young, old = (tmp_path / f'.state.pt.{host}-1.draft.pt' for host in ('robot', 'desk'))
    for draft in (young, old):
        draft.write_text('half')
    os.utime(old, (0, 0))
    write_text(tmp_path / 'state.pt', 'new')
    assert young.exists() and not old.exists()


SLOW_WRITER = """
import pathlib, sys
from uda_seg_ros.storage.whole_file import write_whole
def slow(draft):
    draft.write_text(sys.argv[2])
    print('half', flush=True)
    sys.stdin.readline()
write_whole(pathlib.Path(sys.argv[1]), slow)
"""


def test_processes_that_write_at_once_do_not_spoil_each_others_work(tmp_path):
    path = tmp_path / 'state.pt'
    first, killed, last = (subprocess.Popen([sys.executable, '-c', SLOW_WRITER, path, text], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True, cwd=ROOT)
                           for text in ('first', 'killed', 'last'))
    for process in (first, killed, last):
        assert process.stdout.readline() == 'half\n'
    killed.kill()
    killed.communicate()
    for process, text in ((first, 'first'), (last, 'last')):
        process.communicate('\n')
        assert (process.returncode, path.read_text()) == (0, text)
    write_text(path, 'new')
    assert path.read_text() == 'new' and list(tmp_path.iterdir()) == [path], 'what the killed one left is still there'

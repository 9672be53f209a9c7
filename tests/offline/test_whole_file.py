"""A file is there whole or not at all."""

from __future__ import annotations

import pytest

from offline.storage.whole_file import write_text, write_whole


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / 'state.pt'
    write_text(path, 'old')

    def fails(draft):
        draft.write_text('ne')
        raise OSError('disk full')
    with pytest.raises(OSError, match='disk full'):
        write_whole(path, fails)
    assert path.read_text() == 'old'
    write_text(path, 'new')  # over the draft that was left
    assert path.read_text() == 'new' and list(tmp_path.iterdir()) == [path]

"""Pictures of scores are there whole or not at all."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from offline.evaluate.plots import confusion_picture, reliability_picture
from offline.evaluate.scores import Scores
from uda_seg_ros.labels import CAMVID

pytest.importorskip('matplotlib')
SCORES = Scores(CAMVID, np.eye(11, 12, dtype=np.int64), np.ones((256, 2), np.int64), (), 1.0)


@pytest.mark.parametrize('picture', [confusion_picture, reliability_picture])
def test_a_picture_for_which_there_is_no_room_is_told_and_not_left_cut_off(tmp_path, monkeypatch, picture):
    picture(SCORES, tmp_path / 'whole.png')
    from matplotlib.figure import Figure

    def full(figure, path, **settings):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Figure, 'savefig', full)
    with pytest.raises(OSError) as error:
        picture(SCORES, tmp_path / 'cut.png')
    assert error.value.filename == str(tmp_path / 'cut.png')
    assert [path.name for path in tmp_path.iterdir()] == ['whole.png']

"""What the tests of training share."""

from __future__ import annotations

import pytest
import torch

from . import stand_in


@pytest.fixture
def one_thread():
    """One thread sums in one order; and a forked child must not inherit a pool of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def registered(monkeypatch, tmp_path_factory):
    """The stand-in method in the table, and a cache folder that the tests of a session share."""
    monkeypatch.setitem(stand_in.METHODS, stand_in.NAME, stand_in.StandIn)
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path_factory.getbasetemp() / 'cache'))

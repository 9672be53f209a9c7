"""The line between a learner in a process and its keeper."""

from __future__ import annotations

import fcntl
import resource
import socket
from collections.abc import Iterator

import pytest

from uda_seg_ros.online.line import KeeperEnd, LearnerEnd
from uda_seg_ros.online.messages import Closed, Mode

HIGH = 1100  # above what select() knows


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= HIGH:
        pytest.skip('so many files may not be open here')
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, HIGH + 100), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_learner_hears_its_keeper_whatever_number_the_line_has(many_files):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    high = socket.socket(fileno=fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, HIGH))
    theirs.close()
    keeper = KeeperEnd(ours)
    with high:
        learner = LearnerEnd(high, keeper.frames)
        assert high.fileno() >= HIGH and learner.receive(0.0) is None
        keeper.send(Mode(True))
        assert learner.receive(60.0) == Mode(True)
        ours.close()
        with pytest.raises(Closed):
            learner.receive(60.0)

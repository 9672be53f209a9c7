"""What the tests over DDS share: a running node, and a peer that talks to it."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if importlib.util.find_spec('rclpy') is None:
    collect_ignore_glob = ['test_*.py']  # no ROS 2: scripts/ros_env.sh sets it up
else:
    from .node_process import NodeProcess, Peer


@contextmanager
def _peer() -> Iterator[Peer]:
    peer = Peer()
    try:
        yield peer
    finally:
        peer.close()


@contextmanager
def _starter(bundle: Path, folder: Path) -> Iterator[Callable[..., NodeProcess]]:
    numbers, running = itertools.count(), []

    def start(*, until: str = 'segmenting ', **options: object) -> NodeProcess:
        node = NodeProcess(folder / f'{next(numbers)}.log', **{'model': bundle, **options})
        running.append(node)
        if until:
            node.wait_for(until)
        return node
    try:
        yield start
    finally:
        for node in running:
            node.kill()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A node in this process, of the test's own."""
    with _peer() as peer:
        yield peer


@pytest.fixture
def start(tiny_bundle: Path, tmp_path: Path) -> Iterator[Callable[..., NodeProcess]]:
    """Start node processes with a small random network (or another `model`), up to the log's `until`; killed after the test.

    What starts is the real thing: `start(threshold=0.5, arguments=('-r', 'image:=/camera/image_raw'))`.
    """
    with _starter(tiny_bundle, tmp_path) as start:
        yield start


@pytest.fixture(scope='module')
def shared_peer() -> Iterator[Peer]:
    """As `peer`, for all tests of a module."""
    with _peer() as peer:
        yield peer


@pytest.fixture(scope='module')
def start_shared(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., NodeProcess]]:
    """As `start`, for all tests of a module: a start takes seconds."""
    with _starter(tiny_bundle, tmp_path_factory.mktemp('nodes')) as start:
        yield start

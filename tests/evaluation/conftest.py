"""A drive of coloured blocks, clear and then in fog, as a bag with labels; and the evaluation of it, made once."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from rosbags.typesys import Stores, get_typestore

from uda_seg_ros.cli import main
from uda_seg_ros.config import to_mapping

from ..online.conftest import QUICK, fog, made_bundle, scene
from ..recordings import bags

SECOND = 1_000_000_000
CLEAR, FOGGY = 8, 26


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def colours(tmp_path_factory) -> SimpleNamespace:
    """folder: of a bundle that tells coloured blocks. settings: YAML of a quick adapter."""
    root = tmp_path_factory.mktemp('colours')
    settings = root / 'quick.yaml'
    settings.write_text(yaml.safe_dump(to_mapping(QUICK)))
    return SimpleNamespace(folder=made_bundle().save(root / 'bundle'), settings=settings)


def messages(count_clear: int, count_foggy: int, first: int = 0, labelled=lambda place: True):
    """(topic, receive time, message), one frame a second."""
    types = get_typestore(Stores.ROS2_JAZZY).types
    for place in range(first, count_clear + count_foggy):
        crop, stamp = scene(300 + place), (place + 1) * SECOND
        image = crop.image if place < count_clear else fog(crop.image)
        yield '/camera/image_raw', stamp, bags.image(types, stamp, image)
        if labelled(place):
            yield '/camera/label', stamp + 1, bags.image(types, stamp, crop.label)


def write_bag(path: Path, stream, storage: str = 'mcap') -> Path:
    bags.write(path, storage, get_typestore(Stores.ROS2_JAZZY), stream)
    return path


def evaluate(*options: object) -> int:
    """The command, in this process."""
    return main(['evaluate-bag', '--device', 'cpu', *map(str, options)])


def read_lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / 'result.jsonl').read_text().splitlines()]


def read_summary(out: Path) -> dict:
    return json.loads((out / 'summary.json').read_text())


@pytest.fixture(scope='session')
def foggy_bag(tmp_path_factory) -> Path:
    return write_bag(tmp_path_factory.mktemp('drives') / 'foggy', messages(CLEAR, FOGGY))


@pytest.fixture(scope='session')
def evaluated(tmp_path_factory, colours, foggy_bag) -> SimpleNamespace:
    """An evaluation with adaptation and labels. code: of the command."""
    out = tmp_path_factory.mktemp('evaluated') / 'out'
    masks = out.parent / 'masks'
    torch.set_num_threads(1)
    code = evaluate(foggy_bag, '--bundle', colours.folder, '--adapt', '--settings', colours.settings, '--out', out,
                    '--write-bag', masks)
    return SimpleNamespace(out=out, masks=masks, code=code, lines=read_lines(out), summary=read_summary(out),
                           page=(out / 'report.html').read_text())

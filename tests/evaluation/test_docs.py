"""What docs/evaluate_a_drive.md says is so: its commands are possible, the figures it names are written."""

from __future__ import annotations

import re
import shlex

import pytest

from uda_seg_ros.bundle import Bundle, default_bundle
from uda_seg_ros.cli import _parser
from uda_seg_ros.evaluation.options import PIECES
from uda_seg_ros.online.course import SMOOTH
from uda_seg_ros.online.detector import Detector
from uda_seg_ros.online.settings import DEFAULTS
from uda_seg_ros.online.source import Source

from ..conftest import ROOT
from .conftest import read_lines

TEXT = (ROOT / 'docs' / 'evaluate_a_drive.md').read_text(encoding='utf-8')
COMMANDS = [line.split('#')[0].strip() for block in re.findall(r'```bash\n(.*?)```', TEXT, re.S)
            for line in block.replace('\\\n', ' ').splitlines() if 'evaluate' in line.split('#')[0]]


pytestmark = pytest.mark.timeout(360)


def test_there_are_commands():
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_is_possible(command):
    words = shlex.split(command)
    start = next(place for place, word in enumerate(words) if word in ('evaluate-bag', 'evaluate_bag'))
    options = _parser().parse_args(['evaluate-bag', *words[start + 1:]])
    assert options.bags and options.out


def test_every_figure_that_is_named_is_written(evaluated):
    line, summary = read_lines(evaluated.out)[-1], evaluated.summary
    known = {*summary, *summary['paired'], *summary['served'], *summary['latency_ms'],
             *line, *line['Frame'], *line['Result'], *line['Result']['served'], 'dropped', 'kind', 'text'}
    table = re.findall(r'^\| ((?:`[a-z_]+`(?:, )?)+)', TEXT, re.M)
    named = {name for cell in table for name in re.findall(r'`([a-z_]+)`', cell)}
    assert len(named) > 15 and named <= known, named - known


def test_the_least_times_are_those_of_the_settings():
    """Of looks that are as unusual as can be, each a key-frame."""
    detector, gate, floor, hold_every = DEFAULTS.detector, DEFAULTS.gate, DEFAULTS.floor, DEFAULTS.memory.hold_every
    looks = next(count for count in range(1, 99) if noticed_after(count))
    held_out = [number % hold_every == 2 for number in range(1, 99)]  # as online/memory.py
    pictures = next(count for count in range(1, 99)
                    if any(held_out[:count]) and count - sum(held_out[:count]) >= DEFAULTS.training.first_key_frames)
    labels = min(pictures, -(-gate.every // 2))  # one more key-frame every second step at the most
    learned = gate.every + labels + 2 * gate.crops + sum(held_out[:pictures])
    crops = len(Source(Bundle.load(default_bundle())).gate)
    told = (f'({crops} in the bundle shipped): {-(-crops // PIECES)} frames',
            f'{looks} looks at it, {detector.thin_s:g} s apart, so {(looks - 1) * detector.thin_s:g} s',
            f'shift score above {detector.normal:g} over the last {SMOOTH} looks, which are {detector.look_s:g} s apart',
            f'{floor.crops} pieces: {-(-floor.crops // PIECES)} frames more', f'{pictures} key-frames',
            f'{gate.every} training steps, the labels of the key-frames, and a trial of {2 * gate.crops} crops',
            f'{learned} pieces or more, {-(-learned // PIECES)} frames more', f'`--pieces {PIECES}`',
            f'statistics after {floor.refresh_s:g} s, and after up to {floor.refresh_s * 2 ** floor.longer:g} s',
            f'after {gate.every} steps more')
    assert [text for text in told if text not in ' '.join(TEXT.split())] == []


def noticed_after(looks: int) -> bool:
    detector = Detector(DEFAULTS.detector)
    return any(detector.add(1.0, round(number * DEFAULTS.detector.thin_s * 1e9)) for number in range(looks))

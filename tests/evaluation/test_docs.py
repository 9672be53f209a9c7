"""What docs/evaluate_a_drive.md says is so: its commands are possible, the figures it names are written."""

from __future__ import annotations

import re
import shlex

import pytest

from uda_seg_ros.cli import _parser

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

"""docs/adaptation.md: its commands are possible, and each of its tables is written by one of them."""

from __future__ import annotations

import re
import shlex

import pytest

from offline.__main__ import main as offline
from uda_seg_ros.cli import _parser
from uda_seg_ros.streams.command import words
from uda_seg_ros.streams.methods import choose
from uda_seg_ros.streams.table import find_stream

from ..conftest import ROOT

TEXT = (ROOT / 'docs' / 'adaptation.md').read_text(encoding='utf-8')
LINES = [shlex.split(line, comments=True) for block in re.findall(r'```bash\n(.*?)```', TEXT, re.S)
         for line in block.replace('\\\n', ' ').splitlines()]
STREAMS = [line[2:] for line in LINES if line[:2] == ['uda_seg', 'bench-streams']]
OFFLINE = [line[3:] for line in LINES if line[:3] == ['python', '-m', 'offline']]


@pytest.mark.parametrize('command', STREAMS, ids=' '.join)
def test_a_command_has_streams_and_methods_that_are_there(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    options = _parser().parse_args(['bench-streams', *command])
    assert [find_stream(name) for name in words(options.streams or 'A')]
    assert [choose(name) for name in words(options.methods or 'ours')]


@pytest.mark.parametrize('command', OFFLINE, ids=' '.join)
def test_a_command_at_the_desk_has_its_options(command, capsys):
    with pytest.raises(SystemExit):
        offline([command[0], '--help'])
    known = set(re.findall(r'--[a-z-]+', capsys.readouterr().out))
    assert {word for word in command if word.startswith('--')} <= known


def test_each_table_has_a_command_that_writes_it():
    written = [command[command.index('--into') + 2] for command in STREAMS if '--into' in command]
    written = [name.replace('$network', network) for name in written
               for network in (('day', 'city') if '$network' in name else ('',))]
    assert sorted(written) == sorted(re.findall(r'<!-- bench-streams (\w+) -->', TEXT))


def test_links_lead_somewhere():
    links = re.findall(r'\]\(([\w./]+)\)', TEXT)
    assert links and all((ROOT / 'docs' / link).exists() for link in links)

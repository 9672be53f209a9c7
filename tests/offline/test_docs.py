"""The pages on training and on extending: their commands are possible, what they name is there, their network is one."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from offline.__main__ import COMMANDS
from offline.__main__ import main as offline
from offline.datasets import DATASETS
from offline.load_recipe import load_recipe
from offline.methods import METHODS
from uda_seg_ros.models import NETWORKS

from ..models import test_contract as contract

ROOT = Path(__file__).parents[2]
TRAIN, EXTEND = ((ROOT / 'docs' / f'{name}.md').read_text(encoding='utf-8') for name in ('train_for_a_new_city', 'extend'))
LINES = [line for block in re.findall(r'```bash\n(.*?)```', TRAIN, re.S) for line in block.splitlines()]
CALLS = [words[3:] for line in LINES if (words := shlex.split(line, comments=True))[:3] == ['python', '-m', 'offline']]


@pytest.mark.parametrize('words', CALLS, ids=' '.join)
def test_a_command_of_the_page_has_its_options(words, capsys):
    with pytest.raises(SystemExit):
        offline([words[0], '--help'])
    known = set(re.findall(r'--[a-z-]+', capsys.readouterr().out))
    assert words[0] in COMMANDS and {word for word in words if word.startswith('--')} <= known


@pytest.mark.parametrize('words', [words for words in CALLS if words[0] in ('train', 'bench-train')], ids=' '.join)
def test_a_recipe_of_the_page_takes_what_is_set_in_it(words, monkeypatch):
    monkeypatch.chdir(ROOT)
    given = [word for word in words[2:] if re.match(r'[a-z.]+=', word)]
    recipe = load_recipe(Path(words[1]), given or ['seed=1'])
    assert recipe.data.target


def test_the_methods_of_the_page_are_those_of_the_table():
    rows = re.findall(r'^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|', TRAIN, re.M)
    assert {name for row in rows for name in re.findall(r'`([a-z_]+)`', row)} == set(METHODS)


def test_the_kinds_of_data_are_those_of_the_table():
    named = set(re.findall(r'`([a-z0-9_]+):?`', TRAIN.split('| labelled source |')[1].split('| options')[0]))
    assert named == set(DATASETS)


@pytest.mark.parametrize('text', [TRAIN, EXTEND], ids=['train', 'extend'])
def test_files_that_a_page_names_are_there(text):
    paths = [path for path in re.findall(r'`((?:offline|uda_seg_ros|tests)/[\w/.]*)`', text) if 'my_' not in path]
    assert paths and all((ROOT / path).exists() for path in paths)
    assert all((ROOT / 'docs' / link).exists() for link in re.findall(r'\]\(([\w./]+)\)', text))


def test_the_network_of_the_page_keeps_the_contract(monkeypatch):
    code = re.search(r'```python\n(.*?class MyNetwork.*?)```', EXTEND, re.S)[1]
    module = ModuleType('uda_seg_ros.models.my_network')
    module.__package__ = 'uda_seg_ros.models'
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile('from __future__ import annotations\n' + code, 'extend.md', 'exec'), vars(module))
    monkeypatch.setitem(NETWORKS, 'my_network', module.my_network)
    monkeypatch.setitem(contract.CASES, 'my_network', {})
    network = NETWORKS['my_network'](contract.CLASSES).eval()
    given = {'network': network, 'name': 'my_network', 'image': torch.randn(2, 3, 64, 64), 'sides': (5, 2)}
    tests = [test for name, test in vars(contract).items() if name.startswith('test_')]
    assert len(tests) > 10
    for test in tests:
        test(**{name: given[name] for name in inspect.signature(test).parameters})

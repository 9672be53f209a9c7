"""The method that the README prints works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from offline.load_recipe import to_recipe
from offline.methods import METHODS
from offline.training.stages import train_recipe

from ..stand_in import small_recipe

README = Path(__file__).parents[3] / 'README.md'
pytestmark = pytest.mark.usefixtures('registered', 'one_thread')


def test_the_method_of_the_readme_trains(tmp_path, monkeypatch):
    code = re.search(r'```python\n(.*?class MyMethod.*?)```', README.read_text(encoding='utf-8'), re.DOTALL)[1]
    names = {'__name__': 'offline.methods.my_method', '__package__': 'offline.methods'}
    exec(compile('from __future__ import annotations\n' + code, 'README.md', 'exec'), names)
    monkeypatch.setitem(METHODS, 'my_method', names['MyMethod'])
    recipe = to_recipe(small_recipe(stages=[{'name': 'only', 'method': 'my_method', 'steps': 2}]), 'small')
    run = train_recipe(recipe, tmp_path / 'run', device='cpu', report=lambda line: None)
    assert all(torch.isfinite(tensor).all() for tensor in run.part('student').values() if tensor.is_floating_point())

"""Reads the syntax trees of the methods and of what they share: a step must not read a tensor's value on the host."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ('offline/methods', 'uda_seg_ros/self_training')
ONCE = ('__init__', '__post_init__', 'prepare', 'label_target')  # not part of a step
READS = ('item', 'tolist', 'numpy', 'cpu', 'nonzero', 'masked_select', 'unique')
TRUTHS = ('any', 'all', 'isfinite', 'isnan', 'equal', 'allclose')


def readings(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, what) of every reading in a function or method that is not of ONCE. A module's constants may read."""
    for node in module.body:
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef) and function.name not in ONCE:
                yield from readings_of(function)


def readings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and attribute(node) in READS:
            yield node.lineno, f'.{attribute(node)}()'
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            yield from ((call.lineno, f'a branch on .{attribute(call)}()') for call in ast.walk(node.test)
                        if isinstance(call, ast.Call) and attribute(call) in TRUTHS)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ('bool', 'float', 'int'):
            yield from ((call.lineno, f'{node.func.id}() of a tensor') for call in node.args
                        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute))
        yield from readings_of(node)


def attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ''


@pytest.mark.parametrize('folder', FOLDERS)
def test_no_step_reads_a_value_on_the_host(folder):
    paths = sorted((ROOT / folder).glob('*.py'))
    assert paths
    assert [f'{path.name}:{line}: {what}' for path in paths
            for line, what in readings(ast.parse(path.read_text(encoding='utf-8')))] == []


@pytest.mark.parametrize('line', [
    'loss.item()', 'probs.cpu()', 'x.detach().tolist()', 'x.numpy()', 'label.unique()', 'mask.nonzero()', 'bool(mask.any())',
    'float(loss.detach())', 'int(mask.sum())', 'if mask.any(): pass', 'y = 1 if torch.equal(a, b) else 0',
    'while not loss.isfinite(): pass', 'assert probs.isfinite().all()'])
def test_a_planted_reading_is_found(line):
    assert list(readings(ast.parse(f'def forward(self):\n    {line}')))


@pytest.mark.parametrize('line', [
    'y = x.sum()', 'if step > 3: pass', 'int(height / 2)', 'y = mask.any(0)',
    'int(min(height, width) * share)', 'if any(x > 1 for x in sizes): pass'])
def test_what_does_not_wait_is_not_found(line):
    assert not list(readings(ast.parse(f'def forward(self):\n    {line}')))


@pytest.mark.parametrize('name', ONCE)
def test_what_is_called_once_may_read(name):
    assert not list(readings(ast.parse(f'class A:\n    def {name}(self):\n        x.item()')))
    assert list(readings(ast.parse('class A:\n    def forward(self):\n        x.item()')))

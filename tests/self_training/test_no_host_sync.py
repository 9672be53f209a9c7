"""Nothing in self_training reads a tensor's value on the host: on a GPU every such read makes the whole pipeline wait."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from uda_seg_ros import self_training
from uda_seg_ros.models import build
from uda_seg_ros.self_training import augment, losses, mixing, pseudo_label, restyle
from uda_seg_ros.self_training.centroids import Centroids
from uda_seg_ros.self_training.ema import EMATeacher

SOURCES = sorted(Path(self_training.__file__).parent.glob('*.py'))
READS = {'item', 'cpu', 'numpy', 'tolist', 'nonzero', 'argwhere', 'masked_select', 'unique', 'bincount', 'new_tensor',
         'tensor', 'as_tensor', 'equal'}
OPERATORS = {'_local_scalar_dense', 'nonzero', 'masked_select', '_unique2', 'unique_dim', 'unique_consecutive', 'bincount',
             'equal', 'linalg_inv_ex'}


def host_reads(source: str) -> list[str]:
    """'line: what' for every call of READS, and for every index that looks like a boolean tensor."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS:
            found.append(f'{node.lineno}: {node.func.attr}')
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            found += [f'{node.lineno}: boolean index' for part in parts if boolean(part)]
    return found


def boolean(index: ast.expr) -> bool:
    return (isinstance(index, ast.Compare) or (isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.Invert))
            or (isinstance(index, ast.BinOp) and isinstance(index.op, (ast.BitAnd, ast.BitOr)))
            or (isinstance(index, ast.Name) and index.id.endswith(('mask', 'valid', 'hard', 'missing', 'seen', 'present'))))


@pytest.mark.parametrize('path', SOURCES, ids=lambda path: path.name)
def test_no_source_reads_a_value(path):
    assert host_reads(path.read_text(encoding='utf-8')) == []


@pytest.mark.parametrize('source', ['loss.item()', 'x[x > 0]', 'x[valid_mask]', 'x[:, ~y] = 0', 'torch.nonzero(x)',
                                    'x.cpu()', 'torch.tensor([1.0])', 'x[a & b]'])
def test_a_planted_read_is_found(source):
    assert host_reads(source)


class NoReads(TorchDispatchMode):
    """Refuses every operator that would make the host wait for a GPU."""

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = operator.overloadpacket.__name__
        boolean_index = name.startswith('index') and len(args) > 1 and isinstance(args[1], (list, tuple)) and any(
            isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in args[1])
        if name in OPERATORS or boolean_index:
            raise AssertionError(f'{name} reads a value on the host')
        return operator(*args, **(kwargs or {}))


def centroids_of(device: str) -> Centroids:
    return Centroids(5, 3).to(device)


def teacher_of(device: str) -> EMATeacher:
    return EMATeacher(build('fast_scnn', 5, width=0.25).to(device))


CALLS = {
    'EMATeacher.update': lambda x: [x.teacher.update(x.student, step) for step in (0, 9)],
    'EMATeacher.forward': lambda x: x.teacher(x.image, (64, 64)),
    'pseudo_label': lambda x: pseudo_label.pseudo_label(x.logits),
    'ensemble': lambda x: pseudo_label.ensemble([x.logits, x.logits]),
    'confident_share': lambda x: [pseudo_label.confident_share(x.image[:, 0], per=per) for per in ('batch', 'image')],
    'consensus': lambda x: pseudo_label.consensus(x.label, x.label),
    'clear_borders': lambda x: pseudo_label.clear_borders(x.image[:, 0], 3, 3, 3, 3),
    'draw_classes': lambda x: [mixing.draw_classes(x.label, r, i, p) for r, i, p in (
        ('up', False, 'image'), ('down', True, 'image'), ('up', False, 'batch'))],
    'class_mask and mix': lambda x: mixing.mix(
        mixing.class_mask(x.label, mixing.draw_classes(x.label)), x.image, x.image),
    'block_mask': lambda x: mixing.block_mask(x.image, 16),
    'restyle': lambda x: [function(x.image, x.image) for function in restyle.RESTYLE.values()],
    'photometric': lambda x: augment.photometric(x.image, augment.Photometric(grey=0.5)),
    'Centroids.estimate': lambda x: x.centroids.estimate(x.image, x.label),
    'Centroids.follow': lambda x: x.centroids.follow(x.image, x.label),
    'Centroids.nearest': lambda x: x.centroids.nearest(x.image, (32, 32)),
    'cross_entropy': lambda x: [losses.cross_entropy(x.logits, x.label, x.image[:, 0], n) for n in ('valid', 'all_pixels')],
    'soft_cross_entropy': lambda x: losses.soft_cross_entropy(x.logits, x.logits, x.label == 1),
    'kl': lambda x: losses.kl(x.logits, x.logits, 2.0, x.image[:, 0]),
    'ohem_cross_entropy': lambda x: losses.ohem_cross_entropy(x.logits, x.label, 0.7, 100),
}


class Inputs:
    def __init__(self, device: str) -> None:
        torch.manual_seed(0)
        self.image, self.logits = torch.rand(2, 3, 64, 64, device=device), torch.randn(2, 5, 64, 64, device=device)
        self.label = torch.randint(5, (2, 64, 64), device=device)
        self.centroids = centroids_of(device)
        self.student, self.teacher = build('fast_scnn', 5, width=0.25).to(device), teacher_of(device)


@pytest.mark.parametrize('name', CALLS)
def test_no_call_reads_a_value(name):
    inputs = Inputs('cpu')
    with NoReads():
        CALLS[name](inputs)


def test_the_mode_finds_a_read():
    for read in (lambda: torch.ones(1).item(), lambda: torch.ones(3)[torch.ones(3) > 0], lambda: bool(torch.ones(1) > 0)):
        with NoReads(), pytest.raises(AssertionError, match='reads a value'):
            read()


@pytest.mark.gpu
@pytest.mark.parametrize('name', CALLS)
def test_no_call_makes_the_host_wait_for_the_gpu(name):
    inputs = Inputs('cuda')
    CALLS[name](inputs)  # the first use loads kernels
    torch.cuda.set_sync_debug_mode('error')
    try:
        CALLS[name](inputs)
    finally:
        torch.cuda.set_sync_debug_mode('default')

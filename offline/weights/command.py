"""Make a bundle of a network's published weights, so that it can be evaluated, exported with its source, and driven."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import yaml

from uda_seg_ros.bundle import Bundle, BundleError, ModelSpec, Preprocess
from uda_seg_ros.cli import size
from uda_seg_ros.config import ConfigError, nearest
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.models import NETWORKS, build

from ..errors import told
from ..provenance import commit
from ..recipe import NetworkSpec
from .initial import load


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 1 after one line that says what went wrong."""
    options = _parser().parse_args(arguments)
    return told(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Raises ConfigError, BundleError."""
    if options.out.exists():
        raise BundleError(f'{options.out}: exists already; remove it or choose another folder')
    for name, known in ((options.network, NETWORKS), (options.labels, LABEL_SPACES)):
        if name not in known:
            raise ConfigError(f'{name!r} is unknown{nearest(name, known)}; known: {", ".join(known)}')
    labels = LABEL_SPACES[options.labels]
    torch.manual_seed(0)  # of what an option leaves random
    spec = NetworkSpec(options.network, options.settings, options.weights)
    network = build(spec.name, labels.num_classes, **spec.settings)
    print(load(network, spec, labels))
    preprocess = Preprocess(*options.size, keep_aspect=not options.stretch)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    provenance = {'weights': Path(options.weights.partition('?')[0]).name, 'code': commit()}
    Bundle(ModelSpec(spec.name, spec.settings), labels, preprocess, tensors, provenance=provenance).save(options.out)
    print(f'bundle written to {options.out}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m offline adopt', description=__doc__)
    parser.add_argument('weights', help="a file, 'bundle:FOLDER', 'hf:NAME'; with options after '?' as in a recipe")
    parser.add_argument('--network', required=True, help='by its name in the table of networks')
    parser.add_argument('--settings', type=yaml.safe_load, default={}, metavar='YAML', help="of the network: '{scale: 1.5}'")
    parser.add_argument('--labels', required=True, help='the label space of its classes, such as cityscapes19 or camvid11')
    parser.add_argument('--size', type=size, required=True, metavar='WxH', help="of the network's input")
    parser.add_argument('--stretch', action='store_true', help='to exactly this size, whatever the aspect of the picture')
    parser.add_argument('--out', type=Path, required=True, metavar='BUNDLE', help='folder to write; must not exist yet')
    return parser

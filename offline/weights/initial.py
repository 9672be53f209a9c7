"""Where a network's first tensors come from: a bundle, a run, a file, or a checkpoint of Hugging Face, strictly.

A recipe says it in one string (NetworkSpec.weights):

    bundle:FOLDER   run:FOLDER   run:FOLDER#PART   FILE.safetensors   FILE.pth   hf:OWNER/NAME   hf:FOLDER

and, where the head does not simply fit, what to do with it:

    ...?head=fresh      the whole head stays random: only the encoder is loaded
    ...?classes=fresh   the class layer stays random
    ...?classes=map     rows of the class layer are chosen by class name
    ...?classes=first   the first rows of the class layer are ours, what follows was never trained
    ...&labels=NAME     the label space of a file's classes (19 or 20 outputs: cityscapes19, a 20th is background)

Tensors that do not load silently ruin a result, so what is not exactly right is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

import torch

from uda_seg_ros.config import ConfigError, from_mapping, nearest
from uda_seg_ros.labels import CITYSCAPES, IGNORE, LABEL_SPACES, LabelSpace, mapping
from uda_seg_ros.models import SegmentationModel, build

from ..recipe import NetworkSpec
from .layouts import LAYOUTS
from .sources import Found, read

COUNTER = 'num_batches_tracked'


@dataclass(frozen=True)
class Options:
    """What follows '?': see the text above. labels: a name of LABEL_SPACES, '' if not said."""

    head: Literal['load', 'fresh'] = 'load'
    classes: Literal['same', 'fresh', 'map', 'first'] = 'same'
    labels: str = ''

    def __post_init__(self) -> None:
        if self.labels and self.labels not in LABEL_SPACES:
            raise ConfigError(f'labels: {self.labels!r} is unknown{nearest(self.labels, LABEL_SPACES)}; known: '
                              f'{", ".join(LABEL_SPACES)}')


def load(network: SegmentationModel, spec: NetworkSpec, labels: LabelSpace) -> str:
    """Put the tensors that `spec.weights` names into `network`, in place. Returns a line that says what was loaded.

    labels: of the network's classes. Raises ConfigError unless every tensor of the encoder is there and, but for what the
    options leave out, every tensor of the head.
    """
    if not spec.weights:
        return f'{spec.name}: random weights'
    source, options = parse(spec.weights)
    found = read(source)
    layout, tensors, unknown = best_layout(found, network, spec.name)
    own, note = network.state_dict(), ''
    fresh = {name for name in own if name.split('.')[0] in network.head_parts}
    left_out = ', '.join(network.head_parts)
    if options.head == 'load' and fresh & set(tensors):
        fresh, note = fit_classes(tensors, class_layer(spec, labels), labels, found, options)
        left_out = ', '.join(sorted({name.rpartition('.')[0] for name in fresh}))
    check(tensors, own, fresh, unknown, f'{found.where}, read as {layout}, for {spec.name}')
    loaded = {name: tensor for name, tensor in tensors.items() if name not in fresh}
    network.load_state_dict({**own, **loaded})
    return (f'{spec.name}: {len(loaded)} of {len(own)} tensors from {found.where} ({layout})'
            + (note and f'; {note}') + (left_out and f'; random: {left_out}'))


def parse(weights: str) -> tuple[str, Options]:
    """'SOURCE?option=value&...' in its two parts. Raises ConfigError for an option that does not exist."""
    source, _, query = weights.partition('?')
    try:
        pairs = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError as error:
        raise ConfigError(f'weights: {weights!r}: after "?" stands option=value, several joined by "&"') from error
    return source, from_mapping(Options, pairs, f'weights: {weights}')


def best_layout(found: Found, network: SegmentationModel, name: str) -> tuple[str, dict[str, torch.Tensor], list[str]]:
    """(layout, tensors by our names, names without a place) of the layout that most tensors fit.

    Raises ConfigError if none fits.
    """
    own, tried = network.state_dict(), {}
    for layout, table in LAYOUTS.items():
        if name.startswith(table.networks):
            renamed, unknown = table.rename(found.tensors)
            shaped = {key: _as_linear(tensor, own.get(key)) for key, tensor in renamed.items()}
            # Our own names are a rule for everything: what is no name of the network has no place.
            unknown += [key for key in shaped if key not in own and layout == next(iter(LAYOUTS))]
            count = sum(key in own and tensor.shape == own[key].shape for key, tensor in shaped.items())
            tried[layout] = (count, {key: tensor for key, tensor in shaped.items() if key not in unknown}, unknown)
    layout, (count, tensors, unknown) = max(tried.items(), key=lambda item: item[1][0])
    if not count:
        first = next(iter(found.tensors))
        raise ConfigError(f'weights: {found.where}: 0 of {len(found.tensors)} tensors fit {name} (the first is {first!r}); '
                          f'known layouts: {", ".join(tried)}')
    for key, tensor in own.items():  # older files do not count batches
        if key.endswith(COUNTER) and key.replace(COUNTER, 'running_mean') in tensors:
            tensors.setdefault(key, torch.zeros_like(tensor))
    return layout, tensors, unknown


def _as_linear(tensor: torch.Tensor, own: torch.Tensor | None) -> torch.Tensor:
    """A 1x1 convolution is a linear layer."""
    return tensor.flatten(1) if own is not None and own.ndim == 2 and tensor.shape[2:] == (1, 1) else tensor


def class_layer(spec: NetworkSpec, labels: LabelSpace) -> set[str]:
    """The tensors whose first side is the number of classes: those that change with it."""
    with torch.device('meta'):
        few, more = (build(spec.name, labels.num_classes + i, **spec.settings).state_dict() for i in (0, 1))
    return {name for name in few if few[name].shape != more[name].shape}


def fit_classes(tensors: dict[str, torch.Tensor], layer: set[str], labels: LabelSpace, found: Found,
                options: Options) -> tuple[set[str], str]:
    """Bring the class layer to `labels`, in place. Returns (tensors that stay random, a note). Raises ConfigError."""
    there = sorted(layer & set(tensors))
    if options.classes == 'fresh' or not there:
        return layer, ''
    count = len(tensors[there[0]])
    if options.classes == 'first' and count >= labels.num_classes:
        tensors.update({name: tensors[name][: labels.num_classes].clone() for name in there})
        return set(), f'the first {labels.num_classes} of {count} outputs'
    if options.classes in ('same', 'first'):
        if count == labels.num_classes and (found.labels is None or found.labels.names == labels.names):
            return set(), ''
        theirs = found.labels.name if found.labels else 'no named classes'
        raise ConfigError(f'weights: {found.where}: its class layer has {count} classes ({theirs}), {labels.name} has '
                          f'{labels.num_classes}; add ?classes=map to choose them by name, or ?classes=fresh to start anew')
    space = _label_space(found, count, options)
    rows = torch.from_numpy(mapping(labels, space)[:labels.num_classes].astype('int64'))
    known = rows != IGNORE
    if not known.any():
        raise ConfigError(f'weights: {found.where}: no class of {labels.name} is in {space.name}; use ?classes=fresh')
    for name in there:
        tensors[name] = _mapped(tensors[name], rows, known)
    without = [name for name, is_known in zip(labels.names, known.tolist()) if not is_known]
    return set(), f'{labels.num_classes - len(without)} of {labels.num_classes} classes mapped from {space.name}' + (
        f', the mean of its rows for: {", ".join(without)}' if without else '')


def _mapped(tensor: torch.Tensor, rows: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Row i is row rows[i]; a class without counterpart gets the mean row, so that it neither wins nor is out of scale."""
    chosen = tensor[torch.where(known, rows, 0)]
    mean = tensor.float().mean(0, keepdim=True).to(tensor.dtype)
    return torch.where(known.view(-1, *[1] * (tensor.ndim - 1)), chosen, mean)


def _label_space(found: Found, count: int, options: Options) -> LabelSpace:
    """The classes of the file: what it says, what the recipe says, or Cityscapes where the number speaks for it."""
    space = found.labels
    if options.labels:
        space = LABEL_SPACES[options.labels]
    elif space is None and count in (CITYSCAPES.num_classes, CITYSCAPES.num_classes + 1):
        space = CITYSCAPES
    if space is None:
        raise ConfigError(f'weights: {found.where}: which {count} classes? Add &labels=NAME with one of '
                          f'{", ".join(LABEL_SPACES)}, or use ?classes=fresh')
    if count not in (space.num_classes, space.num_classes + 1):  # one more is a background, the last
        raise ConfigError(f'weights: {found.where}: its class layer has {count} classes, {space.name} has '
                          f'{space.num_classes}; name another label space by &labels=, or use ?classes=fresh')
    return space


def check(tensors: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], fresh: set[str], unknown: list[str],
          where: str) -> None:
    """Raise ConfigError unless each tensor of the network is there in its shape, or in `fresh`, and none is left over."""
    wanted = {name: tensor for name, tensor in own.items() if name not in fresh}
    missing = [name for name in wanted if name not in tensors]
    misshapen = [name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape]
    surplus = [*unknown, *(name for name in tensors if name not in wanted and name not in fresh)]
    if not (missing or misshapen or surplus):
        return
    fit = len(wanted) - len(missing) - len(misshapen)
    if misshapen:
        name = misshapen[0]
        reason = (f'{len(misshapen)} differ in shape, as {name!r}: {tuple(tensors[name].shape)} there, '
                  f'{tuple(wanted[name].shape)} here; are name and settings of the network right?')
    elif missing:
        reason = f'{len(missing)} are missing, as {missing[0]!r}'
    else:
        reason = f'{len(surplus)} of the file have no place, as {surplus[0]!r}'
    raise ConfigError(f'weights: {where}: {fit} of {len(wanted)} tensors fit; {reason}')

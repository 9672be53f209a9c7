"""A stage's method with its networks: built, given their first weights, and started from earlier stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from uda_seg_ros.config import ConfigError, from_mapping, nearest
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.models import SegmentationModel, build
from uda_seg_ros.self_training.ema import EMATeacher

from ..methods import METHODS, Method
from ..recipe import NetworkSpec, Recipe, Stage
from ..roles import networks_of
from .seeding import seed_torch

Tensors = Mapping[str, torch.Tensor]


def make_method(recipe: Recipe, stage: Stage, origin: Callable[[str], Tensors], report: Callable[[str], None]) -> Method:
    """Build networks and method of a stage on the CPU.

    origin: tensors of what Stage.init names ('STAGE.PART'). A network starts alike in every stage of a recipe, so that
    stages can be compared. Raises ConfigError for weights that do not fit.
    """
    method_class = METHODS[stage.method]
    specs = networks_of(method_class, recipe.networks, stage.networks, stage.init)
    networks = {role: _network(recipe, role, spec, role in stage.init, report) for role, spec in specs.items()}
    where = f'stage {stage.name}: init'
    for role in stage.init.keys() & networks.keys():
        load_part(networks[role], origin(stage.init[role]), f'{where}: {role}: {stage.init[role]}')
    seed_torch(recipe.seed, 'method', stage.name)
    config = from_mapping(method_class.Config, stage.config, f'stage {stage.name}: config')
    method = method_class(networks, config, recipe.preprocess)
    parts, averages = method.parts(), _averages(method)
    for name in stage.init.keys() - networks.keys():
        if name not in parts:
            raise ConfigError(f'{where}: {stage.method} has no part {name!r}{nearest(name, parts)}; it has: '
                              f'{", ".join(parts)}')
        if parts[name] in averages:
            raise ConfigError(f'{where}: {name}: of {stage.method} this is a moving average, which begins as a copy of the '
                              'network that it follows; start that one instead')
        load_part(parts[name], origin(stage.init[name]), f'{where}: {name}: {stage.init[name]}')
    return method


def saved_parts(method: Method) -> dict[str, nn.Module]:
    """The parts of a method as later stages take them: of a moving average, its network."""
    return {name: _bare(part) for name, part in method.parts().items()}


def load_part(part: nn.Module, tensors: Tensors, where: str) -> None:
    """Copy tensors into a part, strictly. Raises ConfigError."""
    own = _bare(part).state_dict()
    surplus, missing = sorted(tensors.keys() - own.keys()), sorted(own.keys() - tensors.keys())
    shape = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if surplus or missing or shape:
        name, reason = (missing[0], 'is missing') if missing else (surplus[0], 'has no place') if surplus else (
            shape[0], 'has another shape')
        raise ConfigError(f'{where}: {len(missing) + len(surplus) + len(shape)} tensors do not fit: {name!r} {reason}; '
                          'are both networks of the same name and settings?')
    _bare(part).load_state_dict(dict(tensors))


def check_stages(recipe: Recipe) -> None:
    """Build every stage once: a mistake in the last must not show after the hours of the first. Raises ConfigError."""
    built: dict[str, dict[str, Tensors]] = {}

    def origin(text: str) -> Tensors:
        stage, _, part = text.partition('.')
        if part not in built[stage]:
            raise ConfigError(f'init: {text}: stage {stage} has no part {part!r}{nearest(part, built[stage])}; it has: '
                              f'{", ".join(built[stage])}')
        return built[stage][part]
    for stage in recipe.stages:
        method = make_method(recipe, stage, origin, lambda line: None)
        try:
            method.check_start(stage.init)
        except ConfigError as error:
            raise ConfigError(f'stage {stage.name}: {error}') from error
        built[stage.name] = {name: part.state_dict() for name, part in saved_parts(method).items()}


def _bare(part: nn.Module) -> nn.Module:
    return part.network if isinstance(part, EMATeacher) else part


def _averages(method: Method) -> list[nn.Module]:
    """The moving averages of a method, and their networks."""
    found = [module for module in method.modules() if isinstance(module, EMATeacher)]
    return found + [average.network for average in found]


def _network(recipe: Recipe, role: str, spec: NetworkSpec, replaced: bool,
             report: Callable[[str], None]) -> SegmentationModel:
    """replaced: its weights come from an earlier stage."""
    labels = LABEL_SPACES[recipe.data.labels]
    seed_torch(recipe.seed, 'network', role)
    network = build(spec.name, labels.num_classes, **spec.settings)
    if spec.weights and not replaced:
        from ..weights.initial import load
        report(f'{role}: {load(network, spec, labels)}')
    return network

"""Which networks a stage gets, and what is wrong with those that a recipe gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from uda_seg_ros.config import ConfigError, nearest

from .methods import METHODS, Method
from .methods.base import FROZEN
from .recipe import NetworkSpec, Stage

T = TypeVar('T')


def networks_of(method: type[Method], shared: Mapping[str, T], own: Mapping[str, T], init: Iterable[str]) -> dict[str, T]:
    """By role. shared: the recipe's networks. own: the stage's. init: the parts that the stage starts.

    The recipe's networks fill the roles that the method needs. An optional one is filled only if the stage names it, in its
    networks or in init: what another stage's teacher is must not become this one's.
    """
    roles = method.ROLES.keys() | (method.OPTIONAL.keys() & {*own, *init})
    return {role: network for role, network in {**shared, **own}.items() if role in roles}


def check_roles(stage: Stage, shared: Mapping[str, NetworkSpec], where: str) -> None:
    """Raises ConfigError for a network that is missing, that the method has no role for, or that knows nothing to teach."""
    method = METHODS[stage.method]
    roles, given = {**method.ROLES, **method.OPTIONAL}, networks_of(method, shared, stage.networks, stage.init)
    for role in stage.networks:
        if role not in roles:
            raise ConfigError(f'{where}: networks: method {stage.method!r} has no role {role!r}{nearest(role, roles)}; it '
                              f'has: {", ".join(roles)}')
    for role in [*method.ROLES, *(role for role in method.OPTIONAL if role in stage.init)]:
        if role not in given:
            raise ConfigError(f'{where}: networks: method {stage.method!r} needs a network for {role!r}; given: '
                              f'{", ".join({**shared, **stage.networks}) or "none"}')
    for role, spec in given.items():
        if roles[role] == FROZEN and role != 'student' and not spec.weights and role not in stage.init:
            raise ConfigError(f'{where}: networks: {role} would stay at random weights: it is not trained; give it '
                              f'weights, or start it from an earlier stage (init: {{{role}: STAGE.PART}})')


def check_shared(stages: Iterable[Stage], shared: Mapping[str, NetworkSpec], where: str) -> None:
    """Raises ConfigError for a network of the recipe with an unknown role, or one that was left where no stage takes it."""
    stages = list(stages)
    known = {role for method in METHODS.values() for role in (*method.ROLES, *method.OPTIONAL)}
    taken = {role for stage in stages for role in networks_of(METHODS[stage.method], shared, stage.networks, stage.init)}
    for role in shared:
        if role not in known:
            raise ConfigError(f'{where}: networks: no method has a role {role!r}{nearest(role, known)}; known: '
                              f'{", ".join(sorted(known))}')
        asking = [stage for stage in stages if role in METHODS[stage.method].OPTIONAL]
        if role not in taken and asking:
            raise ConfigError(f'{where}: networks: {role}: no stage takes it; method {asking[0].method!r} can do without, '
                              f'so stage {asking[0].name} must name it: move it to the networks of that stage')

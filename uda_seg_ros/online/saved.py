"""An adapter's whole state as tensors and plain values, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ..shift_signals import Moments
from .pictures import as_array
from .serving import Serving, Tensors
from .source import Normal
from .trial import Trial

if TYPE_CHECKING:
    from .adapter import Adapter

PARTS = ('memory', 'journal', 'course', 'floor', 'learner', 'watch')
SERVED = ('serving', 'before', 'parked')
PLAIN = ('_version', '_compare', '_fault', '_loss', '_scale', '_calls', '_trials', '_pairs', '_steps_tried', '_rejected', '_flat')


def digest(tensors: Tensors) -> str:
    """SHA-256 of names and values."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def saved(adapter: Adapter) -> dict[str, Any]:
    normal = adapter._normal
    return {**{name: getattr(adapter, name).state_dict() for name in (*PARTS, *SERVED)},
            **{name: getattr(adapter, name) for name in PLAIN},
            'size': adapter._size, 'times': dict(adapter._times),
            'normal': normal and {'moments': [tuple(layer) for layer in normal.moments], 'signals': normal.signals},
            'calibration': adapter._calibration and adapter._calibration.state_dict(),
            'trial': adapter.trial and adapter.trial.state_dict(),
            'sight': adapter._sight and torch.from_numpy(adapter._sight.picture),
            'picture': None if adapter._picture is None else torch.from_numpy(adapter._picture)}


def restore(adapter: Adapter, state: Mapping[str, Any]) -> None:
    """Takes the state's tensors by copy, so that the state can be loaded again."""
    state = _copied(state)
    adapter._begin()
    if state['size'] is not None:
        adapter._start_at(tuple(state['size']))
    for name in PARTS:
        getattr(adapter, name).load_state_dict(state[name])
    for name in SERVED:
        setattr(adapter, name, Serving(**state[name]))
    for name in PLAIN:
        setattr(adapter, name, state[name])
    adapter._times = state['times']
    if state['normal']:
        adapter._normal = Normal([Moments(*layer) for layer in state['normal']['moments']], state['normal']['signals'])
        adapter._calibration = None
    elif state['calibration']:
        adapter._calibration.load_state_dict(state['calibration'])
    adapter.trial = state['trial'] and Trial.of(state['trial'])
    adapter._sight = None if state['sight'] is None else adapter.anchor.look(as_array(state['sight']))
    adapter._picture = None if state['picture'] is None else as_array(state['picture'])


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(item) for item in value)
    return value

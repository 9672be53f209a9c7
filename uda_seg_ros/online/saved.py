"""An adapter's whole state as tensors and plain values, and back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from .serving import Tensors, beside
from .trial import Trial

if TYPE_CHECKING:
    from .adapter import Adapter

PARTS = ('eye', 'memory', 'journal', 'clock', 'rota', 'course', 'candidacy', 'patience', 'floor', 'sureness', 'learner',
         'watch', 'served')
PLAIN = ('_compare', '_has_compared', '_fault', 'loss', '_calls', '_pairs', 'labelled_at')


def digest(tensors: Tensors) -> str:
    """SHA-256 of names and values."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def saved(adapter: Adapter) -> dict[str, Any]:
    return _copied({**{name: getattr(adapter, name).state_dict() for name in PARTS},
                    **{name: getattr(adapter, name) for name in PLAIN},
                    'trials': dict(adapter.trials), 'trial': adapter.trial and adapter.trial.state_dict()})


def restore(adapter: Adapter, state: Mapping[str, Any]) -> None:
    """Takes the state's tensors by copy, so that the state can be loaded again."""
    state = _copied(state)
    adapter._begin(0)
    for name in PARTS:
        getattr(adapter, name).load_state_dict(state[name])
    for name in PLAIN:
        setattr(adapter, name, state[name])
    adapter.trials = Counter(state['trials'])
    adapter.trial = state['trial'] and Trial.of(state['trial'])
    if adapter.trial:
        adapter.trial.cases = {name: beside(adapter.anchor.tensors, case) for name, case in adapter.trial.cases.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(item) for item in value)
    return value

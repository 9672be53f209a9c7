"""Adapted weights on disk: one safetensors file, whole or not there, that knows which frozen network it belongs to.

| content | meaning |
|---|---|
| tensors `weights.<name>` | the weights given out last |
| tensor `state` | the adapter's state_dict as torch.save writes it; nothing but tensors and plain values is unpickled |
| metadata `format`, `anchor`, `version`, `digest` | anchor: SHA-256 of the bundle's weights; digest: of all tensors here |
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import json
import os
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ..structures import Weights

FORMAT, STATE, PREFIX = '1', 'state', 'weights.'


class SavedError(ValueError):
    """Saved weights cannot be read, or do not belong to this network. The text says which, why, and what follows."""


@dataclass(frozen=True, eq=False)
class Saved:
    """weights: as they were given out. state: of the adapter that gave them."""

    weights: Weights
    state: Mapping[str, Any]


def pack(anchor: str, weights: Weights, state: Mapping[str, Any]) -> bytes:
    """anchor: SHA-256 of the bundle's weights file."""
    stored = io.BytesIO()
    torch.save(dict(state), stored)
    tensors = {PREFIX + name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.tensors.items()}
    tensors[STATE] = torch.frombuffer(bytearray(stored.getbuffer()), dtype=torch.uint8)
    return save(tensors, {'format': FORMAT, 'anchor': anchor, 'version': str(weights.version), 'digest': _digest(tensors)})


def unpack(content: bytes, anchor: str, where: object) -> Saved:
    """The inverse. Raises SavedError for damage, and for weights that grew from another frozen network."""
    try:
        length = int.from_bytes(content[:8], 'little')
        about = json.loads(content[8 : 8 + length])['__metadata__']
        tensors = load(content)
        if (about['format'], about['digest']) != (FORMAT, _digest(tensors)):
            raise ValueError('format or checksum differ')
        stored = io.BytesIO(tensors.pop(STATE).numpy().tobytes())
        version, of = int(about['version']), about['anchor']
        state = torch.load(stored, map_location='cpu', weights_only=True)
    except (ValueError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError, SafetensorError) as error:
        raise SavedError(f'{where}: damaged ({" ".join(str(error).split()) or type(error).__name__}); ignored') from error
    if of != anchor:
        raise SavedError(f'{where}: belongs to another network (SHA-256 {of[:12]}..., here {anchor[:12]}...); ignored')
    weights = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}
    return Saved(Weights(version, weights), state)


def read(path: Path, anchor: str) -> Saved:
    """Raises SavedError, FileNotFoundError where there is no such file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SavedError(f'{path}: cannot be read ({error.strerror}); ignored') from error
    return unpack(content, anchor, path)


def write(path: Path, content: bytes) -> None:
    """Into a file beside, synced, then renamed. Raises OSError, and leaves the file of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f'.{glob.escape(path.name)}.*'):  # by a learner that was killed while it wrote
        left.unlink(missing_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)
    try:
        with open(descriptor, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Of names and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()

"""Adapted weights on disk: one safetensors file, whole or not there, that knows which frozen network it belongs to.

| content | meaning |
|---|---|
| tensors `weights.<name>` | the weights given out last |
| tensor `state` | the adapter's state_dict as torch.save writes it; nothing but tensors and plain values is unpickled |
| metadata `format`, `anchor`, `version`, `digest` | anchor: SHA-256 of the bundle's weights; digest: of all tensors here |
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load

from ..storage.whole_file import write_whole
from ..structures import Weights

FORMAT, STATE, PREFIX = '3', 'state', 'weights.'
DTYPES = {torch.float64: 'F64', torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.int64: 'I64',
          torch.int32: 'I32', torch.int16: 'I16', torch.int8: 'I8', torch.uint8: 'U8', torch.bool: 'BOOL'}


class SavedError(ValueError):
    """Saved weights cannot be read, or do not belong to this network. The text says which, why, and what follows."""


@dataclass(frozen=True, eq=False)
class Saved:
    """weights: as they were given out. state: of the adapter that gave them."""

    weights: Weights
    state: Mapping[str, Any]


def pack(anchor: str, weights: Weights, state: Mapping[str, Any]) -> memoryview:
    """anchor: SHA-256 of the bundle's weights file.

    All that is large is copied by PyTorch, which lets other threads run meanwhile: a learner may be one beside inference.
    """
    stored = io.BytesIO()
    torch.save(dict(state), stored)
    tensors = {PREFIX + name: tensor.detach().cpu().contiguous() for name, tensor in weights.tensors.items()}
    tensors[STATE] = torch.frombuffer(stored.getbuffer(), dtype=torch.uint8)
    about = {'format': FORMAT, 'anchor': anchor, 'version': str(weights.version), 'digest': _digest(tensors)}
    return memoryview(_laid_out(tensors, about).numpy())


def _laid_out(tensors: Mapping[str, torch.Tensor], about: Mapping[str, str]) -> torch.Tensor:
    """The bytes of a safetensors file: length of the header, header, tensors one behind the other."""
    ends = np.cumsum([tensor.nbytes for tensor in tensors.values()]).tolist()
    header = {name: {'dtype': DTYPES[tensor.dtype], 'shape': list(tensor.shape), 'data_offsets': [end - tensor.nbytes, end]}
              for (name, tensor), end in zip(tensors.items(), ends)}
    text = json.dumps({'__metadata__': about, **header}).encode()
    text += b' ' * (-len(text) % 8)
    begin = 8 + len(text)
    content = torch.empty(begin + ends[-1], dtype=torch.uint8)
    content[:begin] = torch.frombuffer(bytearray(len(text).to_bytes(8, 'little') + text), dtype=torch.uint8)
    for tensor, end in zip(tensors.values(), ends):
        content[begin + end - tensor.nbytes : begin + end].copy_(tensor.reshape(-1).view(torch.uint8))
    return content


def unpack(content: bytes | memoryview, anchor: str, where: object) -> Saved:
    """The inverse. Raises SavedError for damage, and for weights that grew from another frozen network."""
    content = bytes(content)
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


def write(path: Path, content: bytes | memoryview) -> None:
    """Whole or not at all, beside other learners that write there. Raises OSError, and leaves the file of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda draft: draft.write_bytes(content))


def forget(path: Path | None) -> None:
    """Have nothing to take up there. What cannot be removed stays."""
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink()


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Of names and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()

"""Tensors as they lie in a bundle, a run, a file or a checkpoint of Hugging Face. Nothing is unpickled but tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from uda_seg_ros import import_hf
from uda_seg_ros.bundle import Bundle
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import LABEL_SPACES, LabelSpace

WRAPPERS = ('state_dict', 'model_state', 'model')
PREFIXES = ('module.', 'model.', 'backbone.')


@dataclass(frozen=True, eq=False)
class Found:
    """What was read. where: for people. labels: of its class layer, None if it does not say."""

    where: str
    tensors: dict[str, torch.Tensor]
    labels: LabelSpace | None = None


def read(source: str) -> Found:
    """The tensors of bundle:, run:, hf: or a file. Raises ConfigError."""
    kind, _, rest = source.partition(':')
    try:
        if kind == 'bundle':
            return _of_bundle(source, Bundle.load(Path(rest).expanduser()))
        if kind == 'run':
            return _of_run(source, *rest.partition('#')[::2])
        if kind == 'hf':
            return _of_hf(source, rest)
        return _of_file(source)
    except ConfigError:
        raise
    except ValueError as error:  # BundleError, RunError
        raise ConfigError(f'weights: {error}') from error


def _of_bundle(source: str, bundle: Bundle) -> Found:
    return Found(f'{source} ({bundle.model.name}, {bundle.labels.name})', dict(bundle.tensors), bundle.labels)


def _of_run(source: str, folder: str, part: str) -> Found:
    from ..training.run_folder import RunFolder
    run = RunFolder(Path(folder).expanduser())
    return Found(source, run.part(part or 'student'), LABEL_SPACES[run.recipe().data.labels])


def _of_hf(source: str, rest: str) -> Found:
    folder = Path(rest).expanduser()
    folder = folder if folder.is_dir() else import_hf.download(rest)
    config = import_hf.read_json(folder / import_hf.CONFIG)
    tensors = import_hf.read_tensors(import_hf.find_weights(folder))
    classes = tensors.get('decode_head.classifier.weight')
    named = None if classes is None else import_hf.label_space(
        config.get('id2label') or {}, len(classes), folder / import_hf.CONFIG)
    return Found(source, dict(tensors), named)


def _of_file(source: str) -> Found:
    path = Path(source).expanduser()
    if not path.is_file():
        raise ConfigError(f'weights: {source}: no such file (and not bundle:FOLDER, run:FOLDER or hf:NAME)')
    if path.suffix not in ('.safetensors', '.pth', '.pt', '.bin'):
        raise ConfigError(f'weights: {source}: a file ends with .safetensors, .pth, .pt or .bin')
    return Found(path.name, unwrap(import_hf.read_tensors(path), path.name))


def unwrap(content: Any, where: str) -> dict[str, torch.Tensor]:
    """The tensors of a state dict, also of one that lies in a checkpoint or whose names all begin with 'module.'."""
    while isinstance(content, Mapping) and not any(isinstance(value, torch.Tensor) for value in content.values()):
        inner = [content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        content = inner[0]
    if not (isinstance(content, Mapping) and content and all(isinstance(v, torch.Tensor) for v in content.values())):
        raise ConfigError(f'weights: {where}: expected a mapping of names to tensors (a state dict), alone or under '
                          f'{", ".join(WRAPPERS)}')
    tensors = dict(content)
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors

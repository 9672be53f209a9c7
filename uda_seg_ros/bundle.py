"""The folder that goes to the vehicle: bundle.yaml, weights.safetensors and, optionally, replay.safetensors.

bundle.yaml holds all that is needed to run and to trust the weights: network, classes, preprocessing, provenance and the
SHA-256 of each tensor file. Nothing is ever unpickled. A bundle is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .config import ConfigError, from_mapping, to_mapping
from .labels import LabelSpace

if TYPE_CHECKING:
    import torch

    from .models import SegmentationModel

FORMAT = 1
MANIFEST, WEIGHTS, REPLAY = 'bundle.yaml', 'weights.safetensors', 'replay.safetensors'


def default_bundle() -> Path:
    """The folder of the bundle that is shipped with the package."""
    return Path(__file__).parent / 'bundles' / 'default'


class BundleError(ValueError):
    """A bundle cannot be used or written. The text says which, why, and what to do."""


@dataclass(frozen=True)
class Preprocess:
    """How a camera picture becomes the network's input.

    height, width: pixels. keep_aspect: the input keeps the picture's aspect ratio at about height*width pixels; otherwise
    it is stretched to exactly height x width. mean, std: of RGB in 0..1.
    """

    height: int
    width: int
    keep_aspect: bool = True
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or min(self.std) <= 0:
            raise ConfigError('height, width and std must be greater than 0')

    def network_size(self, height: int, width: int, multiple: int) -> tuple[int, int]:
        """(height, width) of the network's input for a picture of height x width, each a multiple of `multiple`."""
        if self.keep_aspect:
            scale = (self.height * self.width / (height * width)) ** 0.5
            wanted = (height * scale, width * scale)
        else:
            wanted = (self.height, self.width)
        return tuple(max(1, round(side / multiple)) * multiple for side in wanted)


@dataclass(frozen=True)
class ModelSpec:
    """A network by its name in models.NETWORKS, and the settings it was built with."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """bundle.yaml. digests: SHA-256 of the tensor files by file name. provenance: free text for people and reports."""

    format: int
    model: ModelSpec
    labels: LabelSpace
    preprocess: Preprocess
    digests: Mapping[str, str]
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Bundle:
    """A network ready to go: what bundle.yaml says, and the tensors.

    tensors: the network's parameters and buffers by name. replay: tensors of labelled source crops, or None; of a bundle
    that was loaded, they are read and verified when they are first asked for, which may raise BundleError.
    """

    model: ModelSpec
    labels: LabelSpace
    preprocess: Preprocess
    tensors: Mapping[str, torch.Tensor]
    replay: Mapping[str, torch.Tensor] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def load(folder: str | os.PathLike) -> Bundle:
        """Read and verify a bundle, but for the content of its replay memory, which inference alone never needs.

        Raises BundleError if it is missing, damaged, of another format or incomplete.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        if WEIGHTS not in manifest.digests:
            raise BundleError(f'{folder / MANIFEST}: digests: no entry for {WEIGHTS}; export the bundle again')
        tensors = _read_tensors(folder / WEIGHTS, manifest.digests[WEIGHTS])
        replay = _Unread(folder / REPLAY, manifest.digests[REPLAY]) if REPLAY in manifest.digests else None
        bundle = Bundle(manifest.model, manifest.labels, manifest.preprocess, tensors, replay, manifest.provenance)
        bundle.check(folder)
        return bundle

    def check(self, where: str | os.PathLike) -> None:
        """Raise BundleError unless the tensors are exactly those of the network, by name and shape, and finite."""
        expected = self._empty_network(where).state_dict()
        missing, surplus = sorted(set(expected) - set(self.tensors)), sorted(set(self.tensors) - set(expected))
        if missing or surplus:
            kind, names = ('missing', missing) if missing else ('unknown', surplus)
            raise BundleError(f'{where}: {kind} tensor {names[0]!r} ({len(names)} in all) for network {self.model.name!r}; '
                              'export the bundle again')
        for name, tensor in expected.items():
            if tensor.shape != self.tensors[name].shape:
                raise BundleError(f'{where}: tensor {name!r} has shape {tuple(self.tensors[name].shape)}, network '
                                  f'{self.model.name!r} needs {tuple(tensor.shape)}; export the bundle again')
            if not self.tensors[name].isfinite().all():
                raise BundleError(f'{where}: tensor {name!r} holds values that are not finite: the training that made it '
                                  'had diverged; export another one')

    def network(self) -> SegmentationModel:
        """The network with the bundle's weights, in evaluation mode, on the CPU."""
        network = self._empty_network('bundle').to_empty(device='cpu')
        network.load_state_dict(dict(self.tensors))
        return network.eval()

    def _empty_network(self, where: str | os.PathLike) -> SegmentationModel:
        import torch

        from .models import build
        try:
            with torch.device('meta'):
                return build(self.model.name, self.labels.num_classes, **self.model.settings)
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            raise BundleError(f'{where}: model: {error}') from error

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the bundle, whole or not at all: into a folder beside, synced, then renamed. Returns the folder.

        Raises BundleError if `folder` exists already or cannot be written.
        """
        folder = Path(folder).absolute()
        self.check(folder)
        if folder.exists():
            raise BundleError(f'{folder}: exists already; remove it or choose another folder')
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f'.{folder.name}.', dir=folder.parent))
            try:
                self._write(draft)
                os.chmod(draft, 0o755)
                os.rename(draft, folder)
                _sync(folder.parent)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise BundleError(f'{folder}: cannot be written: {error.strerror or error}') from error
        except yaml.YAMLError as error:
            raise BundleError(f'{folder}: cannot be written: {error}') from error
        return folder

    def _write(self, folder: Path) -> None:
        from safetensors.torch import save
        digests = {}
        for name, tensors in ((WEIGHTS, self.tensors), (REPLAY, self.replay)):
            if tensors is not None:
                apart = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}
                content = save(apart)
                digests[name] = hashlib.sha256(content).hexdigest()
                (folder / name).write_bytes(content)
                _sync(folder / name)
        manifest = Manifest(FORMAT, self.model, self.labels, self.preprocess, digests, self.provenance)
        text = yaml.safe_dump(to_mapping(manifest), sort_keys=False, width=120, default_flow_style=None)
        (folder / MANIFEST).write_text(text, encoding='utf-8')
        _sync(folder / MANIFEST)
        _sync(folder)


class _Unread(Mapping[str, 'torch.Tensor']):
    """The tensors of a file that is there, and that nobody has asked for yet."""

    def __init__(self, path: Path, digest: str) -> None:
        """Raises BundleError if there is no such file."""
        self._path, self._digest = path, digest
        if not path.exists():
            _read_tensors(path, digest)

    @cached_property
    def _tensors(self) -> Mapping[str, torch.Tensor]:
        return _read_tensors(self._path, self._digest)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def read_manifest(folder: str | os.PathLike) -> Manifest:
    """Read bundle.yaml without the tensors. Raises BundleError."""
    path = Path(folder) / MANIFEST
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        if (path.parent / 'run.json').exists():
            raise BundleError(f'{path.parent}: is a training run, not yet a bundle; make one of it: '
                              f'python -m offline export {path.parent} --out BUNDLE') from None
        raise BundleError(f'{path}: not found; a bundle is a folder that holds {MANIFEST} and {WEIGHTS}') from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: not UTF-8, or a date that does not exist
        raise BundleError(f'{path}: cannot be read: {" ".join(str(error).split())}') from error
    if not isinstance(content, dict) or 'format' not in content:
        raise BundleError(f"{path}: no key 'format'; this is not a bundle's {MANIFEST}")
    if content['format'] != FORMAT:
        raise BundleError(f'{path}: format {content["format"]!r} is not known here (known: {FORMAT}); '
                          'update uda_seg_ros or export the bundle again')
    try:
        return from_mapping(Manifest, content, str(path))
    except ConfigError as error:
        raise BundleError(str(error)) from error


def _read_tensors(path: Path, digest: str) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f'{path}: cannot be read: {error.strerror or error}; export or copy the bundle again') from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(f'{path}: SHA-256 differs from the one in {MANIFEST}: the file is damaged or was replaced; '
                          'copy the bundle again')
    try:
        return load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f'{path}: not a safetensors file: {error}') from error


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""How to make an adapter, as a value that can be sent to where the adapter will live."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..bundle import WEIGHTS, Bundle, read_manifest
from ..config import ConfigError, from_mapping

METHOD = 'agoa'  # anchor-gated online adaptation, of adapter.py
KNOWN = {METHOD: 'uda_seg_ros.online.adapter:Adapter'}


@dataclass(frozen=True)
class Factory:
    """An adapter of the bundle in `folder`.

    method: 'agoa', or 'module:name' of something that is called alike and gives an adapter. settings: as a mapping, of
    AdapterSettings for agoa. size: (height, width) of the network's input instead of the bundle's. serves: SHA-256 of the
    weights of the network that is served, '' for whatever the folder holds.
    """

    folder: Path
    method: str = METHOD
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = 'cpu'
    size: tuple[int, int] | None = None
    serves: str = ''

    def check(self) -> None:
        """Raises ConfigError for a method that is not there and for settings that it does not have."""
        self._settings()
        self._maker()

    def anchor(self) -> str:
        """SHA-256 of the frozen network's weights."""
        return read_manifest(self.folder).digests[WEIGHTS]

    def bundle(self) -> Bundle:
        """Raises BundleError, ConfigError if another network lies there by now than the one that is served."""
        if self.serves and self.anchor() != self.serves:
            raise ConfigError(f'{self.folder}: holds another network by now than the one that is served; to serve that one, '
                              'clean up and configure the node again, or restart it')
        return Bundle.load(self.folder)

    def adapter(self, bundle: Bundle) -> Any:
        """Raises what the adapter raises if it cannot be."""
        return self._maker()(bundle, self._settings(), seed=self.seed, device=self.device, size=self.size)

    def _maker(self) -> Callable[..., Any]:
        module, _, name = KNOWN.get(self.method, self.method).partition(':')
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(f"adaptation method {self.method!r} is not there ({error}); possible: {', '.join(KNOWN)}, or "
                              "'module:name' of your own") from error

    def _settings(self) -> Any:
        if self.method != METHOD:
            return self.settings
        from .settings import AdapterSettings
        return from_mapping(AdapterSettings, self.settings, 'adaptation settings')


def read_settings(path: Path) -> Mapping[str, Any]:
    """A YAML file of adapter settings as a mapping. Raises ConfigError."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f'{path}: cannot be read: {" ".join(str(error).split())}') from error
    if not isinstance(content or {}, Mapping):
        raise ConfigError(f'{path}: expected a mapping of settings, got {type(content).__name__}')
    return content or {}

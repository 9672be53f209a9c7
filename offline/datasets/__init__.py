"""The data sets, one a file, and the table of their names.

A new one is one file with a `Dataset` and one line in DATASETS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uda_seg_ros.config import ConfigError, from_mapping, nearest
from uda_seg_ros.labels import LabelSpace

from ..data_spec import FORM, parse
from ..recipe import DataSpec
from .acdc import ACDC
from .bag import Bag
from .base import Dataset, DatasetError, Mapped
from .bdd100k import BDD
from .camvid import CamVid
from .cityscapes import Cityscapes
from .dark_zurich import DarkZurich
from .folder import Folder
from .gta5 import GTA5
from .mapillary import Mapillary
from .procedural import Procedural
from .synthia import Synthia
from .video import Video

DATASETS: dict[str, type[Dataset]] = {
    'cityscapes': Cityscapes,
    'gta5': GTA5,
    'synthia': Synthia,
    'bdd100k': BDD,
    'acdc': ACDC,
    'dark_zurich': DarkZurich,
    'camvid': CamVid,
    'mapillary': Mapillary,
    'procedural': Procedural,
    'folder': Folder,
    'video': Video,
    'bag': Bag,
}


def open_dataset(spec: DataSpec | str | Mapping[str, Any], labels: LabelSpace, split: str | None = None,
                 where: str = 'data') -> Dataset:
    """Open a data set, its labels mapped to the space `labels`.

    split: 'train', 'val' or 'test', taken where the spec names none and the data set has it. where: how errors in the spec
    begin. Raises ConfigError for a spec that cannot be, DatasetError if the files are not there.
    """
    spec = parse(spec, where)
    cls, config = configured(spec, split, where)
    return Mapped(cls(Path(spec.path).expanduser(), config), labels)


def configured(spec: DataSpec, split: str | None = None, where: str = 'data') -> tuple[type[Dataset], Any]:
    """The class and its Config, checked without touching a file. Raises ConfigError."""
    if spec.kind not in DATASETS:
        raise ConfigError(f'{where}: unknown kind of data {spec.kind!r}{nearest(spec.kind, DATASETS)}; '
                          f'known: {", ".join(DATASETS)}; written as {FORM}, such as folder:/path')
    cls = DATASETS[spec.kind]
    options = dict(spec.options)
    if split in cls.SPLITS and any(field.name == 'split' for field in dataclasses.fields(cls.Config)):
        options.setdefault('split', split)
    return cls, from_mapping(cls.Config, options, f'{where}: {spec.kind}')


__all__ = ['DATASETS', 'Dataset', 'DatasetError', 'configured', 'open_dataset']

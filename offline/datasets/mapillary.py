"""Mapillary Vistas (Neuhold et al., ICCV 2017): streets of six continents, up to 22 megapixels, 66 or 124 classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uda_seg_ros.labels import CITYSCAPES

from .files import LabelledFiles, Layout
from .mapillary_classes import lookup

FOLDERS = {'train': 'training', 'val': 'validation', 'test': 'testing'}


class Mapillary(LabelledFiles):
    """Palette PNGs whose index is the class, told as Cityscapes classes; see mapillary_classes.AS_CITYSCAPES.

    version: v1.2 has 66 classes, v2.0 has 124. The folder 'labels' without a version is that of v1.2.
    """

    SPLITS = ('train', 'val', 'test')
    labels = CITYSCAPES

    @dataclass(frozen=True)
    class Config:
        split: Literal['train', 'val', 'test'] = 'train'
        version: Literal['v1.2', 'v2.0'] = 'v1.2'

    def layouts(self, config: Config) -> tuple[Layout, ...]:
        folder, table = FOLDERS[config.split], lookup(config.version)
        places = [f'{folder}/{config.version}/labels/*.png'] + [f'{folder}/labels/*.png'] * (config.version == 'v1.2')
        return tuple(Layout(f'{folder}/images/*.jpg', labels, table) for labels in places)

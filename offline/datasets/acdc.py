"""ACDC (Sakaridis et al., ICCV 2021): Swiss roads in fog, at night, in rain and in snow, 1920x1080, 19 classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uda_seg_ros.labels import CITYSCAPES

from .files import LabelledFiles, Layout, as_train_ids


class ACDC(LabelledFiles):
    """rgb_anon and gt with files of train ids; the clear reference pictures are left out."""

    SPLITS = ('train', 'val', 'test')
    labels = CITYSCAPES

    @dataclass(frozen=True)
    class Config:
        split: Literal['train', 'val', 'test'] = 'train'
        condition: Literal['all', 'fog', 'night', 'rain', 'snow'] = 'all'

    def layouts(self, config: Config) -> tuple[Layout, ...]:
        place = f'{"*" if config.condition == "all" else config.condition}/{config.split}/*/*'
        return (Layout(f'rgb_anon/{place}_rgb_anon.png', f'gt/{place}_gt_labelTrainIds.png',
                       as_train_ids(CITYSCAPES.num_classes)),)

"""Dark Zurich (Sakaridis et al., ICCV 2019): Zurich by day, twilight and night; 50 night pictures have labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uda_seg_ros.labels import CITYSCAPES

from .files import LabelledFiles, Layout, as_train_ids


class DarkZurich(LabelledFiles):
    """rgb_anon, and gt with files of train ids for val/night only: the rest is for targets."""

    SPLITS = ('train', 'val', 'test')
    labels = CITYSCAPES

    @dataclass(frozen=True)
    class Config:
        split: Literal['train', 'val', 'test'] = 'train'
        time: Literal['all', 'day', 'night', 'twilight'] = 'night'

    def layouts(self, config: Config) -> tuple[Layout, ...]:
        place = f'{config.split}/{"*" if config.time == "all" else config.time}/*/*'
        return (Layout(f'rgb_anon/{place}_rgb_anon.png', f'gt/{place}_gt_labelTrainIds.png',
                       as_train_ids(CITYSCAPES.num_classes)),)

"""Cityscapes: 50 German cities by day, 2048x1024, 19 classes. cityscapes-dataset.com"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uda_seg_ros.labels import CITYSCAPES

from .files import LabelledFiles, Layout, as_train_ids


class Cityscapes(LabelledFiles):
    """leftImg8bit and gtFine. Files of label ids come first, those of train ids where only they are there."""

    SPLITS = ('train', 'val', 'test')
    labels = CITYSCAPES

    @dataclass(frozen=True)
    class Config:
        split: Literal['train', 'val', 'test'] = 'train'

    def layouts(self, config: Config) -> tuple[Layout, ...]:
        images = f'leftImg8bit/{config.split}/*/*_leftImg8bit.png'
        labels = f'gtFine/{config.split}/*/*_gtFine_'
        return (Layout(images, f'{labels}labelIds.png', CITYSCAPES.from_label_ids()),
                Layout(images, f'{labels}labelTrainIds.png', as_train_ids(CITYSCAPES.num_classes)))

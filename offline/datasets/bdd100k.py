"""BDD100K, its 10k pictures with segmentation (Yu et al., CVPR 2020): American roads in all weathers, 19 classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uda_seg_ros.labels import BDD100K

from .files import LabelledFiles, Layout


class BDD(LabelledFiles):
    """Labels hold train ids. Both layouts that were given out are read: images/10k and the older seg/."""

    SPLITS = ('train', 'val', 'test')
    labels = BDD100K

    @dataclass(frozen=True)
    class Config:
        split: Literal['train', 'val', 'test'] = 'train'

    def layouts(self, config: Config) -> tuple[Layout, ...]:
        split, lookup = config.split, BDD100K.from_label_ids()
        return (Layout(f'images/10k/{split}/*.jpg', f'labels/sem_seg/masks/{split}/*.png', lookup),
                Layout(f'seg/images/{split}/*.jpg', f'seg/labels/{split}/*_train_id.png', lookup))

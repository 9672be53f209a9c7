"""SYNTHIA RAND-CITYSCAPES (Ros et al., CVPR 2016): 9400 rendered pictures, 16 classes."""

from __future__ import annotations

from uda_seg_ros.labels import SYNTHIA

from .files import LabelledFiles, Layout
from .label_files import read_red


class Synthia(LabelledFiles):
    """RGB and GT/LABELS, 16-bit PNGs whose first channel is the class. The root may be the folder above RAND_CITYSCAPES."""

    labels = SYNTHIA

    def layouts(self, config: LabelledFiles.Config) -> tuple[Layout, ...]:
        return tuple(Layout(f'{above}RGB/*.png', f'{above}GT/LABELS/*.png', SYNTHIA.from_label_ids(), read_red)
                     for above in ('', 'RAND_CITYSCAPES/'))

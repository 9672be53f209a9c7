"""GTA5 (Playing for Data, Richter et al., ECCV 2016): 24966 pictures from a game, most 1914x1052, 19 classes."""

from __future__ import annotations

from pathlib import Path

from uda_seg_ros.labels import CITYSCAPES

from ..loading.crops import resized_label
from ..samples import Sample
from .base import DatasetError
from .files import LabelledFiles, Layout

NOT_FITTING = ('15188', '17705')  # pictures whose labels belong to another size; left out by most who use the data
SAME_SHAPE = 0.02  # greatest difference of aspect that is still the same picture


class GTA5(LabelledFiles):
    """Palette PNGs whose index is Cityscapes' label id.

    Two pictures are left out, see NOT_FITTING. Any other label of another size but of the picture's aspect is resized to
    the picture (nearest); of another aspect it is an error.
    """

    labels = CITYSCAPES

    def layouts(self, config: LabelledFiles.Config) -> tuple[Layout, ...]:
        return (Layout('images/*.png', 'labels/*.png', CITYSCAPES.from_label_ids()),)

    def wanted(self, image: Path) -> bool:
        return image.stem not in NOT_FITTING

    def __getitem__(self, index: int) -> Sample:
        image, label = self.image(index), self.label(index)
        if label is None or label.shape == image.shape[:2]:
            return Sample(image, label, self.name(index))
        aspects = [array.shape[1] / array.shape[0] for array in (image, label)]
        if abs(aspects[0] / aspects[1] - 1) > SAME_SHAPE:
            raise DatasetError(f'{self.describe()}: {self.name(index)}: the label has {label.shape[1]}x{label.shape[0]} '
                               f'pixels, the picture {image.shape[1]}x{image.shape[0]}: not the same aspect')
        return Sample(image, resized_label(label, image.shape[:2]), self.name(index))

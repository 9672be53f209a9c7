"""Label spaces: class names, train ids and palettes of the data sets, and the mappings between them.

A train id is a class's place in its label space, 0 .. num_classes - 1; IGNORE marks pixels of no class.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

IGNORE = 255


@dataclass(frozen=True)
class LabelSpace:
    """An ordered list of classes.

    names: one a class. colors: one (r, g, b) of 0..255 a class. label_ids: the ids that the data set's own label
    pictures use, one a class; empty if they are the train ids themselves.
    """

    name: str
    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    label_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.names) < IGNORE:
            raise ValueError(f'label space {self.name!r}: 1 to {IGNORE - 1} classes are possible, got {len(self.names)}')
        if len(self.names) != len(self.colors) or len(self.label_ids) not in (0, len(self.names)):
            raise ValueError(f'label space {self.name!r}: names, colors and label_ids differ in number')
        if len(set(self.names)) != len(self.names):
            raise ValueError(f'label space {self.name!r}: a class name stands twice')
        if len(set(self.label_ids)) != len(self.label_ids):
            raise ValueError(f'label space {self.name!r}: a label id stands twice')
        if not all(0 <= value <= 255 for value in (*self.label_ids, *chain.from_iterable(self.colors))):
            raise ValueError(f'label space {self.name!r}: colors and label_ids must be within 0 to 255')

    @property
    def num_classes(self) -> int:
        return len(self.names)

    def palette(self) -> np.ndarray:
        """256x3 uint8 RGB: a colour for every value of a mask; black where there is no class."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: self.num_classes] = self.colors
        return palette

    def from_label_ids(self) -> np.ndarray:
        """256 uint8: train id of each of the data set's label ids, IGNORE where it has none."""
        lookup = np.full(256, IGNORE, np.uint8)
        lookup[list(self.label_ids or range(self.num_classes))] = np.arange(self.num_classes)
        return lookup

    def to_label_ids(self, unlabelled: int = 0) -> np.ndarray:
        """256 uint8: the data set's label id of each train id, `unlabelled` where there is no class."""
        lookup = np.full(256, unlabelled, np.uint8)
        lookup[: self.num_classes] = self.label_ids or range(self.num_classes)
        return lookup


CITYSCAPES = LabelSpace(
    'cityscapes19',
    ('road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain',
     'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'),
    ((128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153), (153, 153, 153), (250, 170, 30),
     (220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142),
     (0, 0, 70), (0, 60, 100), (0, 80, 100), (0, 0, 230), (119, 11, 32)),
    (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33))

_SYNTHIA_IDS = (3, 4, 2, 21, 5, 7, 15, 9, 6, 1, 10, 17, 8, 19, 12, 11)  # RAND-CITYSCAPES ids in the order of train ids
_SYNTHIA_NAMES = tuple(n for n in CITYSCAPES.names if n not in ('terrain', 'truck', 'train'))
SYNTHIA = LabelSpace(
    'synthia16', _SYNTHIA_NAMES,
    tuple(CITYSCAPES.colors[CITYSCAPES.names.index(n)] for n in _SYNTHIA_NAMES), _SYNTHIA_IDS)

CAMVID = LabelSpace(
    'camvid11',
    ('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign_symbol', 'fence', 'car', 'pedestrian', 'bicyclist'),
    ((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
     (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192)))

BDD100K = LabelSpace('bdd100k', CITYSCAPES.names, CITYSCAPES.colors)  # its pictures hold Cityscapes train ids

LABEL_SPACES = {space.name: space for space in (CITYSCAPES, SYNTHIA, CAMVID, BDD100K)}

# Which class of the target space a class belongs to when the names differ. Classes of equal name need no entry.
RENAMED: dict[tuple[str, str], dict[str, str]] = {
    ('cityscapes19', 'camvid11'): {
        'sidewalk': 'pavement', 'wall': 'building', 'traffic light': 'sign_symbol', 'traffic sign': 'sign_symbol',
        'vegetation': 'tree', 'terrain': 'tree', 'person': 'pedestrian', 'rider': 'bicyclist', 'truck': 'car',
        'bus': 'car', 'train': 'car', 'motorcycle': 'bicyclist', 'bicycle': 'bicyclist'},
    ('camvid11', 'cityscapes19'): {
        'pavement': 'sidewalk', 'tree': 'vegetation', 'sign_symbol': 'traffic sign', 'pedestrian': 'person',
        'bicyclist': 'rider'},
}


def _renamed(source: str, target: str) -> dict[str, str]:
    """The entry for two spaces; the 16- and 19-class spaces of Cityscapes' names share one."""
    family = {'synthia16': 'cityscapes19', 'bdd100k': 'cityscapes19'}
    return RENAMED.get((family.get(source, source), family.get(target, target)), {})


def mapping(source: LabelSpace, target: LabelSpace) -> np.ndarray:
    """256 uint8: the train id in `target` of each train id in `source`, IGNORE where it has no counterpart."""
    renamed = _renamed(source.name, target.name)
    lookup = np.full(256, IGNORE, np.uint8)
    for train_id, name in enumerate(source.names):
        counterpart = renamed.get(name, name)
        if counterpart in target.names:
            lookup[train_id] = target.names.index(counterpart)
    return lookup

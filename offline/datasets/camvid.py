"""CamVid (Brostow et al., PRL 2009): four drives through Cambridge by day and at dusk, 11 classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uda_seg_ros.config import nearest
from uda_seg_ros.labels import CAMVID, IGNORE

from .base import DatasetError
from .files import LabelledFiles, Layout, as_train_ids
from .label_files import read_rgb

# The colours of the original 960x720 labels, and which of the 11 classes each belongs to (the grouping of SegNet).
GROUPS: dict[str, tuple[tuple[int, int, int], ...]] = {
    'sky': ((128, 128, 128),),
    # Archway, Bridge, Building, Tunnel, Wall
    'building': ((192, 0, 128), (0, 128, 64), (128, 0, 0), (64, 0, 64), (64, 192, 0)),
    # Column_Pole, TrafficCone
    'pole': ((192, 192, 128), (0, 0, 64)),
    # Road, LaneMkgsDriv, LaneMkgsNonDriv
    'road': ((128, 64, 128), (128, 0, 192), (192, 0, 64)),
    # Sidewalk, ParkingBlock, RoadShoulder
    'pavement': ((0, 0, 192), (64, 192, 128), (128, 128, 192)),
    # Tree, VegetationMisc
    'tree': ((128, 128, 0), (192, 192, 0)),
    # SignSymbol, Misc_Text, TrafficLight
    'sign_symbol': ((192, 128, 128), (128, 128, 64), (0, 64, 64)),
    'fence': ((64, 64, 128),),
    # Car, SUVPickupTruck, Truck_Bus, Train, OtherMoving
    'car': ((64, 0, 128), (64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)),
    # Pedestrian, Child, CartLuggagePram, Animal
    'pedestrian': ((64, 64, 0), (192, 128, 64), (64, 0, 192), (64, 128, 64)),
    # Bicyclist, MotorcycleScooter
    'bicyclist': ((0, 128, 192), (192, 0, 192)),
}
VOID = (0, 0, 0)


class CamVid(LabelledFiles):
    """Either images/ and labels/ with ids 0..10, 11 void (480x360, as SegNet's authors gave it out), or the original
    701_StillsRaw_full and LabeledApproved_full in colours, or train/ and train_labels/ in colours.

    split: names a list splits/SPLIT.txt of picture names, or the folder of the last layout; '' is all pictures.
    """

    labels = CAMVID

    @dataclass(frozen=True)
    class Config:
        split: str = ''

    def __init__(self, root: Path, config: Config) -> None:
        self._names = _names_of(root, config.split)
        super().__init__(root, config)
        missing = (self._names or set()) - {Path(image).stem for image in self._images}
        if missing:
            raise DatasetError(f'{self.describe()}: splits/{config.split}.txt names {len(missing)} pictures that are not in '
                               f'{Path(self.layout.images).parent}, {min(missing)} for one')

    def layouts(self, config: Config) -> tuple[Layout, ...]:
        ids = as_train_ids(CAMVID.num_classes)
        folder = config.split or 'train'
        return (*(Layout(f'images/*.{suffix}', 'labels/*.png', ids) for suffix in ('jpg', 'png')),
                Layout('701_StillsRaw_full/*.png', 'LabeledApproved_full/*_L.png', ids, read_colours),
                Layout(f'{folder}/*.png', f'{folder}_labels/*_L.png', ids, read_colours))

    def wanted(self, image: Path) -> bool:
        return self._names is None or image.stem in self._names


def read_colours(path: Path) -> np.ndarray:
    """HxW uint8 train ids of a label in the original colours. Raises DatasetError, naming a colour that has no class."""
    rgb = read_rgb(path).astype(np.int32)
    codes = rgb @ (65536, 256, 1)
    place = np.searchsorted(_CODES, codes).clip(max=len(_CODES) - 1)
    unknown = _CODES[place] != codes
    if unknown.any():
        raise DatasetError(f'{path}: {tuple(map(int, rgb[unknown][0]))} is no colour of a CamVid label')
    return _CLASSES[place]


def _names_of(root: Path, split: str) -> set[str] | None:
    """The names in the list of a split; None if all pictures are wanted, or the split is a folder."""
    path = root / 'splits' / f'{split}.txt'
    if not split or (root / f'{split}_labels').is_dir():
        return None
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob('*.txt'))
        there = f'; there are: {", ".join(known)}' if known else f'; {path} does not exist'
        raise DatasetError(f'CamVid {root}: unknown split {split!r}{nearest(split, known)}{there}')
    return set(path.read_text(encoding='utf-8').split())


def _colour_table() -> tuple[np.ndarray, np.ndarray]:
    """Colours as sorted numbers, and the train id of each."""
    pairs = [(color, CAMVID.names.index(name)) for name, colors in GROUPS.items() for color in colors]
    pairs.append((VOID, IGNORE))
    codes, classes = zip(*sorted((int(np.dot(color, (65536, 256, 1))), train_id) for color, train_id in pairs))
    return np.array(codes), np.array(classes, np.uint8)


_CODES, _CLASSES = _colour_table()

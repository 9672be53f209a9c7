"""Small data sets in the true on-disk format, one writer a kind; each returns what opening it must answer.

Every tree holds two pictures of 8x12 pixels. A picture is grey, its level tells which it is; LABEL is what both show.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from offline.datasets.mapillary_classes import CLASSES
from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE, SYNTHIA, LabelSpace

SHAPE = (8, 12)
LEVELS = (40, 200)
NAMES = ('road', 'building', 'sky', 'car', 'rider', None)  # by columns, two each; None is no class


@dataclass(frozen=True)
class Tree:
    """labels: the space that classes must come out in. missing: a part of the paths that a wrong root's error must name."""

    write: Callable[[Path], None]
    missing: str
    options: Mapping[str, object] = field(default_factory=dict)
    labels: LabelSpace = CITYSCAPES

    def expected(self) -> np.ndarray:
        names = [{'rider': 'bicyclist'}.get(name, name) if self.labels is CAMVID else name for name in NAMES]
        return columns([IGNORE if name is None else self.labels.names.index(name) for name in names])


def columns(ids: list[int]) -> np.ndarray:
    return np.repeat(np.array(ids), SHAPE[1] // len(ids))[None].repeat(SHAPE[0], 0).astype(np.uint8)


def picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*SHAPE, 3), LEVELS[number], np.uint8))


def png(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), array)


def palette_png(path: Path, ids: np.ndarray) -> None:
    """An indexed PNG whose palette gives every id a colour that is not the id."""
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))
    palette = bytes((255 - value, 7, value)[place] for value in range(256) for place in range(3))
    rows = b''.join(b'\0' + row.tobytes() for row in ids)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', *ids.shape[::-1], 8, 3, 0, 0, 0))
                     + chunk(b'PLTE', palette) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


LABEL_IDS = columns([7, 11, 23, 26, 25, 4])  # Cityscapes' own ids; 4 is 'static'
TRAIN_IDS = columns([0, 2, 10, 13, 12, 255])


def cityscapes(root: Path) -> None:
    for number, stem in enumerate(('aachen/aachen_000000_000019', 'bremen/bremen_000001_000019')):
        picture(root / f'leftImg8bit/train/{stem}_leftImg8bit.png', number)
        png(root / f'gtFine/train/{stem}_gtFine_labelIds.png', LABEL_IDS)
        png(root / f'gtFine/train/{stem}_gtFine_labelTrainIds.png', np.zeros(SHAPE, np.uint8))  # not to be taken
    picture(root / 'leftImg8bit/val/ulm/ulm_000000_000019_leftImg8bit.png', 0)


def cityscapes_train_ids(root: Path) -> None:
    for number, stem in enumerate(('a_000000_000019', 'b_000001_000019')):
        picture(root / f'leftImg8bit/val/munster/{stem}_leftImg8bit.png', number)
        png(root / f'gtFine/val/munster/{stem}_gtFine_labelTrainIds.png', TRAIN_IDS)


def gta5(root: Path) -> None:
    for number, stem in enumerate(('00001', '24966')):
        picture(root / f'images/{stem}.png', number)
        palette_png(root / f'labels/{stem}.png', LABEL_IDS)
    picture(root / 'images/15188.png', 0)
    palette_png(root / 'labels/15188.png', np.zeros((3, 30), np.uint8))


def synthia(root: Path) -> None:
    ids = columns([3, 2, 1, 8, 17, 0]).astype(np.uint16)
    for number, stem in enumerate(('0000000', '0009399')):
        picture(root / f'RGB/{stem}.png', number)
        instances = np.full(SHAPE, 1234, np.uint16)
        png(root / f'GT/LABELS/{stem}.png', np.dstack([np.zeros_like(ids), instances, ids]))  # BGR: red is last


def bdd100k(root: Path) -> None:
    for number, stem in enumerate(('0004a4c0-d4dff0ad', '00054602-3bf57337')):
        picture(root / f'images/10k/train/{stem}.jpg', number)
        png(root / f'labels/sem_seg/masks/train/{stem}.png', TRAIN_IDS)
        png(root / f'labels/sem_seg/colormaps/train/{stem}.png', np.zeros((*SHAPE, 3), np.uint8))


def bdd100k_seg(root: Path) -> None:
    for number, stem in enumerate(('0004a4c0-d4dff0ad', '00054602-3bf57337')):
        picture(root / f'seg/images/val/{stem}.jpg', number)
        png(root / f'seg/labels/val/{stem}_train_id.png', TRAIN_IDS)


def acdc(root: Path) -> None:
    for number, (condition, stem) in enumerate((('fog', 'GOPR0475/GOPR0475_frame_000041'),
                                                ('snow', 'GP010122/GP010122_frame_000131'))):
        picture(root / f'rgb_anon/{condition}/train/{stem}_rgb_anon.png', number)
        picture(root / f'rgb_anon/{condition}/train_ref/{stem}_rgb_ref_anon.png', number)
        png(root / f'gt/{condition}/train/{stem}_gt_labelTrainIds.png', TRAIN_IDS)
        png(root / f'gt/{condition}/train/{stem}_gt_labelColor.png', np.zeros((*SHAPE, 3), np.uint8))


def acdc_night(root: Path) -> None:
    acdc(root)
    for number, frame in enumerate(('000001', '000002')):
        picture(root / f'rgb_anon/night/val/GOPR0351/GOPR0351_frame_{frame}_rgb_anon.png', number)
        png(root / f'gt/night/val/GOPR0351/GOPR0351_frame_{frame}_gt_labelTrainIds.png', TRAIN_IDS)


def dark_zurich(root: Path) -> None:
    picture(root / 'rgb_anon/val/day/GOPR0356_ref/GOPR0356_frame_000001_ref_rgb_anon.png', 0)
    for number, frame in enumerate(('000324', '000462')):
        picture(root / f'rgb_anon/val/night/GOPR0356/GOPR0356_frame_{frame}_rgb_anon.png', number)
        png(root / f'gt/val/night/GOPR0356/GOPR0356_frame_{frame}_gt_labelTrainIds.png', TRAIN_IDS)


def camvid(root: Path) -> None:
    for number, stem in enumerate(('0001TP_006690', '0016E5_07959', 'Seq05VD_f00000')):
        picture(root / f'images/{stem}.jpg', number % 2)
        png(root / f'labels/{stem}.png', columns([3, 1, 0, 8, 10, 11]))
    (root / 'splits').mkdir()
    (root / 'splits/day.txt').write_text('0001TP_006690\n0016E5_07959\n')


def camvid_colours(root: Path) -> None:
    # lane markings, archway, sky, SUV, motorcycle, void
    rgb = np.array([(128, 0, 192), (192, 0, 128), (128, 128, 128), (64, 128, 192), (192, 0, 192), (0, 0, 0)], np.uint8)
    label = rgb[columns([0, 1, 2, 3, 4, 5])]
    for number, stem in enumerate(('0001TP_006690', '0016E5_07959')):
        picture(root / f'701_StillsRaw_full/{stem}.png', number)
        png(root / f'LabeledApproved_full/{stem}_L.png', label[..., ::-1])


def mapillary(version: str, folder: str, split: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        person = 'human--rider--motorcyclist'
        names = ('marking--general' if version == 'v1.2' else 'marking--discrete--text', 'construction--structure--building',
                 'nature--sky', 'object--vehicle--car', person, 'construction--structure--bridge')
        ids = columns([CLASSES[version].index(name) for name in names])
        for number, stem in enumerate(('__CRyFzoDOXn6unQ6a3DnQ', 'zzz')):
            picture(root / f'{split}/images/{stem}.jpg', number)
            palette_png(root / f'{split}/{folder}/{stem}.png', ids)
    return write


TREES: dict[str, dict[str, Tree]] = {
    'cityscapes': {
        'label ids': Tree(cityscapes, 'leftImg8bit/train/*/*_leftImg8bit.png'),
        'train ids': Tree(cityscapes_train_ids, 'gtFine/val/*/*_gtFine_labelTrainIds.png', {'split': 'val'})},
    'gta5': {'plain': Tree(gta5, 'images/*.png with labels labels/*.png')},
    'synthia': {'plain': Tree(synthia, 'GT/LABELS/*.png', labels=SYNTHIA)},
    'bdd100k': {
        '10k': Tree(bdd100k, 'images/10k/train/*.jpg'),
        'seg': Tree(bdd100k_seg, 'seg/labels/val/*_train_id.png', {'split': 'val'})},
    'acdc': {
        'all': Tree(acdc, 'rgb_anon/*/train/*/*_rgb_anon.png'),
        'night': Tree(acdc_night, 'rgb_anon/night/val', {'condition': 'night', 'split': 'val'})},
    'dark_zurich': {'val': Tree(dark_zurich, 'gt/val/night/*/*_gt_labelTrainIds.png', {'split': 'val'})},
    'camvid': {
        'ids': Tree(camvid, 'splits/day.txt', {'split': 'day'}, CAMVID),
        'colours': Tree(camvid_colours, 'LabeledApproved_full/*_L.png', {}, CAMVID)},
    'mapillary': {
        'v1.2': Tree(mapillary('v1.2', 'labels', 'training'), 'training/labels/*.png'),
        'v1.2 beside v2.0': Tree(mapillary('v1.2', 'v1.2/labels', 'validation'), 'validation/v1.2/labels/*.png',
                                 {'split': 'val'}),
        'v2.0': Tree(mapillary('v2.0', 'v2.0/labels', 'training'), 'training/v2.0/labels/*.png', {'version': 'v2.0'})},
}

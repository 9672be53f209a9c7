"""Small data sets in the true layouts of the papers' data: enough pictures to train a recipe on for two steps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SHAPE = (48, 80)
NUM_PICTURES = 3


TRAIN_IDS, LABEL_IDS, SYNTHIA_IDS = (0, 2, 8, 10, 13), (7, 11, 21, 23, 26), (3, 2, 10, 1, 8)


def columns(ids: tuple[int, ...]) -> np.ndarray:
    """A label of as many columns as there are ids."""
    return np.repeat(np.array(ids, np.uint8), SHAPE[1] // len(ids))[None].repeat(SHAPE[0], 0)


def write(folder: Path) -> dict[str, str]:
    """Write every kind below `folder`. Returns what a recipe's data says of each, by its kind."""
    random = np.random.default_rng(0)
    synthia = np.zeros((*SHAPE, 3), np.uint16)
    synthia[..., 2] = columns(SYNTHIA_IDS)  # red stands last as OpenCV writes it
    for number in range(NUM_PICTURES):
        image = cv2.resize(random.integers(0, 256, (6, 10, 3), dtype=np.uint8), SHAPE[::-1])
        for name, array in {
                f'gta5/images/{number:05}.png': image,
                f'gta5/labels/{number:05}.png': columns(LABEL_IDS),
                f'synthia/RGB/{number:07}.png': image,
                f'synthia/GT/LABELS/{number:07}.png': synthia,
                f'cityscapes/leftImg8bit/train/a/a_{number}_0_leftImg8bit.png': image,
                f'cityscapes/gtFine/train/a/a_{number}_0_gtFine_labelIds.png': columns(LABEL_IDS),
                f'bdd100k/images/10k/train/{number}.jpg': image,
                f'bdd100k/labels/sem_seg/masks/train/{number}.png': columns(TRAIN_IDS),
                f'acdc/rgb_anon/night/train/a/{number}_rgb_anon.png': image,
                f'acdc/gt/night/train/a/{number}_gt_labelTrainIds.png': columns(TRAIN_IDS)}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name), array)
    return {kind: f'{kind}:{folder / kind}' for kind in ('gta5', 'synthia', 'cityscapes', 'bdd100k', 'acdc')}

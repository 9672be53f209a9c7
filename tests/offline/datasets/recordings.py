"""Small recordings for the tests: bags with labels, videos, folders of pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from rosbags.typesys import Stores, get_typestore

from tests.recordings.bags import header, image, write

IMAGES, LABELS = '/camera/image_raw', '/camera/label'


def smooth(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """HxWx3 uint8 RGB that JPEG keeps well; another colour for every index."""
    down, right = np.mgrid[0:height, 0:width]
    return np.stack([down * 4, right * 3, np.full_like(down, index * 19 % 256)], axis=-1).astype(np.uint8)


def ids(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """HxW uint8 train ids of Cityscapes, different for every index, with some that are no class."""
    return np.where(np.arange(width) < 4, 255, (np.arange(height)[:, None] + index) % 19).astype(np.uint8)


def bag(path: Path, storage: str = 'mcap', frames: Iterable[tuple[int, np.ndarray | bytes]] = (),
        labels: Iterable[tuple[int, np.ndarray]] = (), topic: str = IMAGES) -> Path:
    """storage: mcap, sqlite3 or ros1. frames: (stamp in ns, RGB or the bytes of a JPEG). labels: (stamp in ns, ids)."""
    store = get_typestore(Stores.ROS1_NOETIC if storage == 'ros1' else Stores.ROS2_JAZZY)
    extra = {'seq': 1} if storage == 'ros1' else {}

    def message(stamp: int, content: np.ndarray | bytes):
        if isinstance(content, np.ndarray):
            return image(store.types, stamp, content, **extra)
        return store.types['sensor_msgs/msg/CompressedImage'](
            header=header(store.types, stamp, **extra), format='jpeg', data=np.frombuffer(content, np.uint8))
    messages = [(topic, stamp, message(stamp, content)) for stamp, content in frames]
    messages += [(LABELS, stamp, message(stamp, content)) for stamp, content in labels]
    write(path, storage, store, sorted(messages, key=lambda entry: entry[1]))
    return path


def video(path: Path, count: int = 12) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 20, (64, 48))
    for index in range(count):
        writer.write(smooth(index)[..., ::-1].copy())
    writer.release()
    return path


def pictures(folder: Path, count: int = 12) -> Path:
    folder.mkdir(parents=True)
    for index in range(count):
        cv2.imwrite(str(folder / f'frame{index}.png'), smooth(index)[..., ::-1])
    return folder


def label_pictures(folder: Path, count: int = 12) -> Path:
    folder.mkdir(parents=True)
    for index in range(count):
        cv2.imwrite(str(folder / f'frame{index}.png'), ids(index) % 12)
    return folder

"""Which topic of a bag is the camera, which its labels, and the pictures that its messages hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .bag import BagError, describe_topics
from .compressed import compressed_to_rgb
from .images import image_to_rgb

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
LABEL_TOPIC = '/camera/label'  # what our own bags call it


def choose_images(path: Path, topics: dict[str, str], wanted: str, label_topic: str, option: str) -> str:
    """The topic of pictures: the wanted one, or the only one there is beside the labels.

    wanted: '' chooses. option: what chooses a topic, for errors: '--image-topic'. Raises BagError with the topics there are.
    """
    possible = [topic for topic, kind in sorted(topics.items()) if kind in (IMAGE, COMPRESSED) and topic != label_topic]
    if wanted and wanted not in possible:
        raise BagError(f'{path}: no image topic {wanted!r}; it has: {describe_topics(topics)}')
    if not possible:
        raise BagError(f'{path}: no image topic; it has: {describe_topics(topics)}')
    if not wanted and len(possible) > 1:
        raise BagError(f'{path}: several image topics, choose one with {option}: {", ".join(possible)}')
    return wanted or possible[0]


def choose_labels(path: Path, topics: dict[str, str], wanted: str) -> str:
    """The topic of labels: the wanted one, or LABEL_TOPIC where there is one, else ''. Raises BagError."""
    if wanted and topics.get(wanted) != IMAGE:
        raise BagError(f'{path}: no label topic {wanted!r} of {IMAGE}; it has: {describe_topics(topics)}')
    return wanted or (LABEL_TOPIC if topics.get(LABEL_TOPIC) == IMAGE else '')


def to_rgb(msg: Any, kind: str) -> np.ndarray:
    """HxWx3 uint8 RGB of a message of type IMAGE or COMPRESSED. Raises ConversionError."""
    return compressed_to_rgb(msg) if kind == COMPRESSED else image_to_rgb(msg)

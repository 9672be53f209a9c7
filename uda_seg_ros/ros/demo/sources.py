"""What a drive can come from: a bag, a video, a folder of pictures. All give the same: frames with stamps, and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from ...labels import CITYSCAPES, LABEL_SPACES, LabelSpace
from ...recordings import RecordingError
from ...recordings.images import stamp_of
from ...recordings.video import SUFFIXES as VIDEOS
from ..bag import is_bag

SourceError = RecordingError  # a drive cannot be played: its text says which, why, and what is possible


@dataclass(frozen=True)
class SourceOptions:
    """image_topic, label_topic: of a bag, '' chooses. labels: folder of label pictures beside a folder of pictures.

    space: the classes of the labels. rate_hz: frames a second, 0 for the drive's own rate.
    """

    image_topic: str = ''
    label_topic: str = ''
    labels: Path | None = None
    space: LabelSpace = CITYSCAPES
    rate_hz: float = 0.0


@dataclass(frozen=True, eq=False)
class Shot:
    """One frame of a drive. index: its place in the drive. due_ns: when to send it, counted from the first frame."""

    index: int
    due_ns: int
    message: Image | CompressedImage

    @property
    def stamp_ns(self) -> int:
        return stamp_of(self.message)


class Source(Protocol):
    """A drive that can be gone through more than once.

    compressed: frames are CompressedImage. has_labels: labels() gives some. skipped: frames that could not be read in the
    last pass. notes: what a person should know about the drive, a line each.
    """

    compressed: bool
    has_labels: bool
    skipped: int
    notes: list[str]

    def __len__(self) -> int: ...
    def shots(self) -> Iterator[Shot]: ...

    def labels(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (stamp in ns of the frame, HxW uint8 train ids)."""
        ...


def label_space(name: str | None, labels: Path | None) -> LabelSpace:
    """The label space by its name; without one, a bag's labels are Cityscapes' and pictures in `labels` a SourceError."""
    if labels is not None and name is None:
        raise SourceError(f'--labels needs --label-space, which says what the ids mean: {", ".join(LABEL_SPACES)}')
    return LABEL_SPACES[name] if name else CITYSCAPES


def open_source(path: Path, options: SourceOptions) -> Source:
    """The drive at `path`. Raises SourceError or BagError."""
    from .bag_source import BagSource
    from .folder_source import FolderSource
    from .video_source import VideoSource
    if not path.exists():
        raise SourceError(f'{path}: not found')
    if is_bag(path):
        return BagSource(path, options)
    if path.is_dir():
        return FolderSource(path, options)
    if path.suffix.lower() in VIDEOS:
        return VideoSource(path, options)
    raise SourceError(f'{path}: not a drive; possible: a rosbag2 folder, .mcap, .db3, a ROS 1 .bag, a video '
                      f'({" ".join(VIDEOS)}) or a folder of pictures')


def set_stamp(message: Image | CompressedImage, stamp_ns: int) -> None:
    """Set the header's stamp to nanoseconds."""
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)


def examples(names: Sequence[str], count: int = 3) -> str:
    """The first few names, for messages to people."""
    return ', '.join(names[:count]) + (f' and {len(names) - count} more' if len(names) > count else '')

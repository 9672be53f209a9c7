"""A drive from a video file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from std_msgs.msg import Header

from ...recordings.video import Video
from ..convert import to_image
from .folder_source import FIRST_STAMP_NS
from .sources import Shot, SourceError, SourceOptions, set_stamp


class VideoSource:
    """See Source. A video has no labels."""

    compressed, has_labels = False, False

    def __init__(self, path: Path, options: SourceOptions) -> None:
        """Raises SourceError if OpenCV cannot decode the video, or labels are asked for."""
        if options.labels is not None or options.label_topic:
            raise SourceError(f'{path}: a video has no labels; give a folder of pictures or a bag for that')
        self.skipped, self.notes = 0, []
        self._video = Video(path)
        self._rate_hz = options.rate_hz or self._video.rate_hz

    def __len__(self) -> int:
        return self._video.num_frames

    def shots(self) -> Iterator[Shot]:
        self.notes, count = [], 0
        for index, picture in self._video.frames():
            message = to_image(picture, 'rgb8', Header(frame_id='camera'))
            due_ns = round(index * 1e9 / self._rate_hz)
            set_stamp(message, FIRST_STAMP_NS + due_ns)
            yield Shot(index, due_ns, message)
            count += 1
        if count < len(self):
            self.notes.append(f'The video states {len(self)} frames, {count} could be decoded.')

    def labels(self) -> Iterator[tuple[int, np.ndarray]]:
        yield from ()

"""A video file: every so many-th frame, without labels."""

from __future__ import annotations

from collections.abc import Iterator

from uda_seg_ros.recordings import RecordingError
from uda_seg_ros.recordings.video import Video as VideoFile

from ..storage.frame_store import StoredFrame, to_jpeg
from .decoded import DecodedRecording


class Video(DecodedRecording):
    """What OpenCV decodes. A video that ends earlier than it states is used up to there, with a warning."""

    def num_expected(self) -> int:
        return -(-VideoFile(self.root).num_frames // self.config.stride)

    def frames(self, notes: list[str]) -> Iterator[StoredFrame]:
        video, count = VideoFile(self.root), 0
        for number, image in video.frames(self.config.stride):
            yield StoredFrame(number, round(number * 1e9 / video.rate_hz), to_jpeg(image))
            count += 1
        if count == 0:
            raise RecordingError(f'{self.root}: OpenCV cannot decode this video')
        if count < self.num_expected():
            notes.append(f'the video states {self.num_expected()} frames at this stride, {count} could be decoded')

"""A recording for the Rerun viewer, where rerun-sdk is installed."""

from __future__ import annotations

from pathlib import Path

from ..labels import LabelSpace
from .line import Seen


class RerunLog:
    """A sink: camera, masks with class names and colours, and the figures, on the drive's time."""

    def __init__(self, path: Path, labels: LabelSpace) -> None:
        import rerun
        self._rerun = rerun
        self._recording = rerun.RecordingStream('uda_seg_ros')
        self._recording.save(str(path))
        classes = [rerun.AnnotationInfo(id=train_id, label=name, color=color)
                   for train_id, (name, color) in enumerate(zip(labels.names, labels.colors))]
        self._recording.log('camera', rerun.AnnotationContext(classes), static=True)

    def add(self, seen: Seen) -> None:
        rerun, recording = self._rerun, self._recording
        recording.set_time('drive', duration=seen.shot.time_s)
        recording.log('camera', rerun.Image(seen.image).compress(jpeg_quality=85))
        recording.log('camera/served', rerun.SegmentationImage(seen.served.mask))
        if seen.frozen is not seen.served:
            recording.log('camera/frozen', rerun.SegmentationImage(seen.frozen.mask))
        for name, value in (('latency_ms', seen.latency_ms), ('shift_score', seen.shift), ('weights_version', seen.version)):
            if value is not None:
                recording.log(name, rerun.Scalars(float(value)))
        for event in seen.events:
            recording.log('events', rerun.TextLog(f'{event.kind}: {event.text}'))

    def drop(self, shot: object) -> None:
        pass

    def close(self) -> None:
        self._recording.disconnect()

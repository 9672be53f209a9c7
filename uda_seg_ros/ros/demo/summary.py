"""The figures of a drive: summary.json.

Those of the frozen network stand at the top. `adapted` holds the same of the adapting node (see figures), and besides
agreement (percent of the pixels that are of one class in both, by segment), weights_versions ([{time_s, version}]: since
when which weights were served; 0 is the frozen network), events ([{time_s, kind, text}]: what the learner did and why) and
learner (its last status). Times are seconds since the first frame. `adapted` is null where the drive was not played so: with
--no-adapt, or where the node cannot adapt, which a note tells.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ... import provenance
from ...report.drive import Moment
from ...report.scores import Scores


def figures(moments: Sequence[Moment], scores: Scores | None) -> dict[str, Any]:
    """Counts, latency, confidence and, with labels, mIoU and IoU in percent by segment.

    Latency is from just before the image is published to the moment its mask is received. A frame without a mask is
    dropped: overtaken by a newer one, refused by the node, or lost in transport; it has neither latency nor score.
    """
    latencies = [moment.latency_ms for moment in moments if moment.latency_ms is not None]
    percentiles = np.percentile(latencies, (50, 95, 99)) if latencies else (math.nan,) * 3
    result: dict[str, Any] = {
        'frames_in': len(moments), 'masks_out': len(latencies), 'dropped': len(moments) - len(latencies),
        'latency_ms': {name: _rounded(value) for name, value in zip(('p50', 'p95', 'p99'), percentiles)},
        'miou': {}, 'miou_all': None, 'iou': {}, 'frames_scored': {}, 'confidence': _confidence(moments)}
    if scores is not None:
        result['miou'] = {segment: _rounded(value) for segment, value in scores.miou().items()}
        result['miou_all'] = _rounded(scores.miou_of_all())
        result['iou'] = {segment: {name: _rounded(value) for name, value in classes.items()}
                         for segment, classes in scores.iou().items()}
        result['frames_scored'] = dict(scores.frames)
    return result


def _confidence(moments: Sequence[Moment]) -> dict[str, float | None]:
    """Mean confidence in percent of each segment."""
    return _means((moment.segment, moment.confidence) for moment in moments)


def agreement(moments: Sequence[Moment]) -> dict[str, float | None]:
    """Mean agreement in percent of each segment."""
    return _means((moment.segment, moment.agreement) for moment in moments)


def _means(pairs: Iterable[tuple[str, float | None]]) -> dict[str, float | None]:
    by_segment: dict[str, list[float]] = {}
    for segment, value in pairs:
        if value is not None:
            by_segment.setdefault(segment, []).append(value)
    return {segment: _rounded(float(np.mean(values))) for segment, values in by_segment.items()}


def versions() -> dict[str, str]:
    """Versions of the package and of what it stands on."""
    found = provenance.versions((*provenance.LIBRARIES, 'rclpy'))
    return {**found, 'ROS 2': os.environ.get('ROS_DISTRO', 'Jazzy, from wheels')}


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)

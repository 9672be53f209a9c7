"""What the node tells of itself on /diagnostics: one status each for inputs, inference, outputs, model and adaptation."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

if TYPE_CHECKING:
    from .camera import Camera
    from .pipeline import Pipeline
    from .points import Points
    from .worker import Worker

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
RECENT_NS = 10_000_000_000  # so long after a failure the status shows it: several messages, for a person to notice


class Diagnostics:
    """Publishes a DiagnosticArray. Levels: ERROR where frames fail, WARN where they are damaged, missing or lost."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._lost: dict[str, int] = {}

    def publish(self, state: str, pipeline: Pipeline | None) -> None:
        """pipeline: None while the node is unconfigured."""
        self._device = '' if pipeline is None else str(pipeline.engine.device)
        statuses = [self._status('lifecycle', OK, state, {'state': state})]
        if pipeline is not None:
            active = state == 'active'
            statuses += [self._input(lane.camera, active) for lane in pipeline.lanes]
            statuses += [self._points(lane.camera, lane.points) for lane in pipeline.lanes if lane.points is not None]
            statuses += [self._inference(pipeline, pipeline.worker), self._outputs(pipeline), self._model(pipeline),
                         self._adaptation(pipeline)]
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _input(self, camera: Camera, active: bool) -> DiagnosticStatus:
        now_ns = time.monotonic_ns()
        newly_lost = camera.spacing.lost - self._lost.get(camera.name, 0)
        self._lost[camera.name] = camera.spacing.lost
        rate = camera.rate.hz(now_ns)
        if camera.errors and now_ns - camera.last_error_ns < RECENT_NS:
            level, text = WARN if camera.only_damaged else ERROR, camera.last_error
        elif active and rate == 0:
            level, text = WARN, f'no images on {camera.topic}'
        elif newly_lost > 0:
            level = WARN
            text = (f'{newly_lost} frames lost in transport since the last report; use reliable publishers or the '
                    'shared-memory profile config/fastdds.xml')
        else:
            level, text = OK, 'receiving' if active else 'not subscribed'
        return self._status(f'input {camera.label}', level, text, {
            'topic': camera.topic, 'rate (Hz)': rate, 'received': camera.received,
            'age p50 (ms)': camera.age_ms.percentile(50), 'dropped by keep-latest': camera.slot.dropped,
            'dropped by age': camera.too_old, 'decode errors': camera.errors, 'lost in transport': camera.spacing.lost,
            'stamps went back': camera.spacing.loops})

    def _points(self, camera: Camera, points: Points) -> DiagnosticStatus:
        now_ns = time.monotonic_ns()
        values = {'topic': points.topic, 'rate (Hz)': points.rate.hz(now_ns), 'received': points.received,
                  'without an image': points.unmatched, 'failures': points.failures}
        if points.failures and now_ns - points.last_failure_ns < RECENT_NS:
            return self._status(f'points {camera.label}', WARN, points.last_failure, values)
        text = 'labelling' if values['rate (Hz)'] else 'idle: no cloud, or nobody subscribes'
        return self._status(f'points {camera.label}', OK, text, values)

    def _inference(self, pipeline: Pipeline, worker: Worker | None) -> DiagnosticStatus:
        engine, now_ns = pipeline.engine, time.monotonic_ns()
        values = {'device': engine.device, 'precision': engine.precision, 'GPU memory (MB)': _gpu_mb(engine.device),
                  'enabled': pipeline.enabled}
        if worker is None:
            return self._status('inference', OK, 'not active', values)
        values = {'rate (fps)': worker.rate.hz(now_ns), 'p50 (ms)': worker.inference_ms.percentile(50),
                  'p95 (ms)': worker.inference_ms.percentile(95), 'latency p50 (ms)': worker.latency_ms.percentile(50),
                  'latency p95 (ms)': worker.latency_ms.percentile(95), 'failures': worker.failures, **values}
        if worker.failures and now_ns - worker.last_failure_ns < RECENT_NS:
            return self._status('inference', ERROR, worker.last_failure, values)
        idle = 'disabled by ~/enable' if not pipeline.enabled else 'idle: no new frame, or nobody subscribes'
        return self._status('inference', OK, 'segmenting' if worker.rate.hz(now_ns) else idle, values)

    def _outputs(self, pipeline: Pipeline) -> DiagnosticStatus:
        now_ns = time.monotonic_ns()
        rates = {f'{lane.camera.name}/{name}'.lstrip('/') + ' (Hz)': rate.hz(now_ns)
                 for lane in pipeline.lanes for name, rate in lane.outputs.rates.items()}
        going = {name: rate for name, rate in rates.items() if rate}
        return self._status('outputs', OK, f'{len(going)} going', going)

    def _model(self, pipeline: Pipeline) -> DiagnosticStatus:
        return self._status('model', OK, pipeline.network, {
            'network': pipeline.network, 'bundle': pipeline.folder, 'sha256': pipeline.digest,
            'weights version': pipeline.engine.weights_version, 'classes': pipeline.labels.num_classes})

    def _adaptation(self, pipeline: Pipeline) -> DiagnosticStatus:
        if pipeline.adaptation is None:
            return self._status('adaptation', OK, 'off', {'state': 'off'})
        return self._status('adaptation', *pipeline.adaptation.describe())

    def _status(self, name: str, level: bytes, text: str, values: dict[str, Any]) -> DiagnosticStatus:
        pairs = [KeyValue(key=key, value=_text(value)) for key, value in values.items()]
        return DiagnosticStatus(level=level, name=f'{self._node.get_name()}: {name}', message=text,
                                hardware_id=self._device, values=pairs)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return '' if math.isnan(value) else f'{value:.2f}'
    return str(value)


def _gpu_mb(device: Any) -> float:
    """Memory of the network's tensors in MB; 0 on a CPU."""
    if device.type != 'cuda':
        return 0.0
    import torch
    return torch.cuda.memory_allocated(device) / 2**20

"""The learner of a configured node: started and ended here, told of on ~/adaptation/status, in diagnostics and in the log.

Imported only where adaptation is enabled, and with it what learns.
"""

from __future__ import annotations

import math
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from ..config import ConfigError
from ..online.factory import Factory, read_settings
from ..online.segmenter import Segmenter
from ..online.start import choose_backend, start_worker
from ..online.status import Event
from ..online.worker import Terms
from ..runtime.engine import Engine
from .lifecycle import SetupError
from .parameters import Parameters

STATUS_PERIOD_S = 1.0
GPU_DUTY = 0.25  # of a GPU's time, where no rank protects inference from a kernel that runs already
LEVELS = {'failed': DiagnosticStatus.ERROR, 'restarting': DiagnosticStatus.WARN}
NOTHING_YET = ('no frame yet: what is segmented is learned from, and nothing is segmented without images, while nobody '
               'subscribes to an output and the parameter lazy is true, or while disabled by ~/enable')
SHORT_S = 30.0  # for which the learner leaves the memory to the frames
SHORT = f'memory did not suffice for a frame; for {SHORT_S:.0f} s it is left to the frames'
SERIOUS = ('fault', 'refused', 'safe')


class Adaptation:
    """To be used in the executor's thread. segmenter: the engine with the learner beside it.

    Raises SetupError if the method, the settings or the cameras to learn from are not there.
    """

    def __init__(self, node: Node, parameters: Parameters, engine: Engine, folder: Path, digest: str,
                 size: tuple[int, int] | None) -> None:
        """digest: SHA-256 of the weights that the engine got from the bundle in `folder`."""
        self._node, self._parameters, self._engine = node, parameters, engine
        device = str(engine.device)
        self.folder = _folder(node, parameters['adaptation.checkpoint_dir'])
        self.file = self.folder / 'adapted.safetensors'
        try:
            path, method = parameters['adaptation.settings_file'], parameters['adaptation.method']
            factory = Factory(folder, method, read_settings(Path(path).expanduser()) if path else {}, device=device,
                              size=size, serves=digest)
            factory.check()
        except ConfigError as error:
            where = f'{path}: ' if path and path not in str(error) else ''
            raise SetupError(f'{where}{error}') from error
        _check_cameras(parameters)
        backend = choose_backend(parameters['adaptation.backend'], device)
        self._worker = start_worker(backend, factory, self._terms(device), engine.prepare)
        self.segmenter = Segmenter(engine, self._worker, parameters['adaptation.use_cameras'])
        if parameters['adaptation.autosave_period'] and (reason := _unwritable(self.folder)):
            node.get_logger().warning(f'adaptation.checkpoint_dir: {reason}: nothing that is learned will be kept')
        self._resting, self._short_until_s = False, -math.inf
        self._told: frozenset[Event] = frozenset()
        self._publisher = node.create_publisher(DiagnosticStatus, '~/adaptation/status', 1)
        self._timer = node.create_timer(STATUS_PERIOD_S, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME))
        node.get_logger().info(f'adaptation is on: the learner starts as a {backend} of its own')

    def _terms(self, device: str) -> Terms:
        values = self._parameters
        duty = values['adaptation.max_duty'] or (GPU_DUTY if device.startswith('cuda') else 1.0)
        period_s = values['adaptation.autosave_period']
        return Terms(rank=values['adaptation.rank'], give_way=values['adaptation.give_way'], max_duty=duty,
                     file=self.file if period_s else None, resume=values['adaptation.resume'],
                     autosave_s=period_s or Terms.autosave_s)

    def rest(self, resting: bool) -> None:
        """While nothing is segmented, nothing is learned."""
        self._resting = resting
        self._restrain()

    def make_room(self) -> None:
        """A frame found no memory: the learner rests for SHORT_S. For the thread that segments."""
        new = time.monotonic() >= self._short_until_s
        self._short_until_s = time.monotonic() + SHORT_S
        self._restrain()
        if new:
            self._node.get_logger().warning(f'adaptation rests: {SHORT}')

    def _restrain(self) -> None:
        if self._resting:
            self._worker.rest(True)
        else:
            self._worker.rest(time.monotonic() < self._short_until_s, SHORT)

    def pause(self, paused: bool) -> tuple[bool, str]:
        """The answer to ~/pause_adaptation."""
        self._worker.ask('pause' if paused else 'resume')
        status = self._worker.status
        if status.condition == 'failed':
            return True, f'{"paused" if paused else "no longer paused"}, but there is no learner: {status.text}'
        return True, (f'paused; weights version {self._engine.weights_version} stays in service' if paused
                      else 'adaptation goes on')

    def ask(self, request: str) -> tuple[bool, str]:
        """The answer to 'reset', 'rollback', 'save' or 'load'. The learner does it; status and log tell the outcome."""
        if request in ('rollback', 'save'):
            if self._worker.status.condition in ('warming', 'failed', 'restarting'):
                return False, f'not possible now: {self._worker.status.text}'
            if not (adaptation := self._worker.status.adaptation) or not adaptation.learned:
                return False, 'nothing is learned: there are the frozen weights alone'
        path = None
        if request == 'save':
            if reason := _unwritable(self.folder):
                return False, reason
            path = self.folder / f'adapted-{datetime.now():%Y-%m-%d-%H-%M-%S-%f}.safetensors'
        elif request == 'load':
            path = Path(self._parameters['checkpoint'] or self.file).expanduser()
            if not path.is_file():
                return False, f"{path}: not found; the parameter 'checkpoint' names the file to load"
        self._worker.ask(request, path)
        return True, {'reset': 'the frozen weights come back', 'rollback': 'the weights of before come back',
                      'save': f'{path}', 'load': f'{path} is taken up if it belongs to this network'}[request]

    def describe(self) -> tuple[bytes, str, dict[str, Any]]:
        """Level, sentence and values for diagnostics."""
        status = self._worker.status
        values = {'state': status.condition, 'backend': status.backend, 'weights version': self._engine.weights_version,
                  'restarts': status.restarts, 'frames': status.frames}
        if (adaptation := status.adaptation) is not None:
            loss = '' if math.isnan(adaptation.loss) else f'{adaptation.loss:.4f}'
            values |= {'sub-state': adaptation.state, 'why': adaptation.why, 'step': adaptation.step, 'loss': loss,
                       'shift': adaptation.shift, 'scale': adaptation.scale, 'share': adaptation.share,
                       'key frames': adaptation.key_frames, 'promotions': adaptation.promotions,
                       'rejections': adaptation.rejections, 'rollbacks': adaptation.rollbacks}
        text = NOTHING_YET if status.condition == 'running' and not status.frames else status.text
        return LEVELS.get(status.condition, DiagnosticStatus.OK), text, values

    def _tell(self) -> None:
        self._restrain()
        level, text, values = self.describe()
        pairs = [KeyValue(key=key, value=f'{value:.3f}' if isinstance(value, float) else str(value))
                 for key, value in values.items()]
        self._publisher.publish(DiagnosticStatus(level=level, name=f'{self._node.get_name()}: adaptation', message=text,
                                                 hardware_id=str(self._engine.device), values=pairs))
        self._log()

    def _log(self) -> None:
        """Every event once."""
        status = self._worker.status
        events = (*status.events, *(status.adaptation.events if status.adaptation else ()))
        for event in events:
            if event not in self._told and event.kind in SERIOUS:  # two calls: rclpy holds a place to one severity
                self._node.get_logger().warning(f'adaptation: {event.kind}: {event.text}')
            elif event not in self._told:
                self._node.get_logger().info(f'adaptation: {event.kind}: {event.text}')
        self._told = frozenset(events)

    def close(self) -> None:
        """End the learner; it saves what it has not saved yet."""
        self._worker.close()
        self._log()
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)


def _check_cameras(parameters: Parameters) -> None:
    """Raise SetupError for a camera to learn from that is none of the node's."""
    known = parameters['cameras']
    for name in parameters['adaptation.use_cameras']:
        if name not in known:
            raise SetupError(f"adaptation.use_cameras: {name!r} is no camera of this node; 'cameras' names "
                             f"{', '.join(known) or 'none: leave use_cameras empty'}")


def _folder(node: Node, given: str) -> Path:
    """Where adapted weights lie: the folder given, or one of the node's own in ROS's home."""
    if given:
        return Path(given).expanduser()
    home = os.environ.get('ROS_HOME') or Path.home() / '.ros'
    return Path(home) / 'uda_seg_ros' / node.get_fully_qualified_name().strip('/').replace('/', '.')


def _unwritable(folder: Path) -> str:
    """Why nothing can be saved in a folder, which is made if it is not there; '' if it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f'{folder}: cannot be made ({error.strerror})'
    return '' if os.access(folder, os.W_OK | os.X_OK) else f'{folder}: cannot be written to'

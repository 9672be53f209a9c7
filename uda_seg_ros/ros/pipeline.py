"""What a configured node holds: the engine, and for each camera its subscriptions, publishers and class names."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rclpy.node import Node

from ..bundle import WEIGHTS, Bundle, BundleError, default_bundle, read_manifest
from ..config import ConfigError
from ..runtime.engine import Engine, EngineError
from ..structures import Frame
from .camera import Camera
from .classes_file import rename_classes
from .debug_times import DebugTimes
from .label_info import ClassNames
from .lifecycle import SetupError
from .outputs import Outputs
from .parameters import Parameters
from .worker import Lane, Worker

if TYPE_CHECKING:
    from .adaptation import Adaptation
    from .frames import Frames
    from .points import Points


class Pipeline:
    """From cameras to masks: made when the node is configured, works between start() and stop(), ends with close().

    To be used in the executor's thread. enabled: while false, frames are received and dropped. Raises SetupError if the
    bundle, the device or the classes file cannot be used.
    """

    def __init__(self, node: Node, parameters: Parameters) -> None:
        self._node, self._parameters = node, parameters
        self.enabled = parameters['start_enabled']
        model = parameters['model']
        self.folder = default_bundle() if model in ('', 'default') else Path(model).expanduser()
        self._load()
        self.adaptation: Adaptation | None = None
        if parameters['adaptation.enabled']:
            from .adaptation import Adaptation  # and with it what learns, which a frozen network does without
            self.adaptation = Adaptation(node, parameters, self.engine, self.folder, self.digest, self._size)
        self._wake = threading.Event()
        self._times = DebugTimes(node)
        self.lanes: list[Lane] = []
        self._frames: Frames | None = None
        self._class_names: list[ClassNames] = []
        self.worker: Worker | None = None
        try:
            for name in parameters['cameras'] or ('',):
                self._add_camera(name)
        except BaseException:  # nobody else knows of the learner yet, which would live on
            if self.adaptation is not None:
                self.adaptation.close()
            raise

    def _load(self) -> None:
        values = self._parameters
        try:
            bundle = Bundle.load(self.folder)
            path = values['classes_file']
            self.labels = rename_classes(bundle.labels, path) if path else bundle.labels
            size = (values['imgsz_height'] or bundle.preprocess.height, values['imgsz_width'] or bundle.preprocess.width)
            self._size = size if values['imgsz_height'] or values['imgsz_width'] else None
            self.engine = Engine(bundle, device=values['device'], half=values['half'], size=self._size,
                                 threads=values['threads'])
            self.engine(Frame(np.zeros((*size, 3), np.uint8)))  # the first pass is the slow one: not on a camera's frame
        except (BundleError, ConfigError, EngineError) as error:
            raise SetupError(str(error)) from error
        self.network = bundle.model.name
        self.digest = read_manifest(self.folder).digests[WEIGHTS]

    def _add_camera(self, name: str) -> None:
        prefix = f'{name}/' if name else ''
        camera = Camera(self._node, name, self._parameters, self._wake.set)
        outputs = Outputs(self._node, prefix, self._parameters, self.labels)
        self.lanes.append(Lane(camera, outputs, self._points_of(camera)))
        self._class_names.append(ClassNames(self._node, prefix, self.labels, self.network, str(self.folder)))

    def _points_of(self, camera: Camera) -> Points | None:
        """What labels the camera's clouds; None, and none of its code, where the parameter points.topic is empty."""
        if not self._parameters['points.topic']:
            return None
        if self._parameters['points.extrinsics'] and len(self._parameters['cameras']) > 1:
            raise SetupError('points.extrinsics says where one camera is; with several, leave it empty and publish TF')
        from .frames import Frames
        from .points import Points
        self._frames = self._frames or Frames(self._node)
        return Points(self._node, camera, self._parameters, self.labels, self._frames, self._wake.set)

    def start(self) -> None:
        """Tell the class names, listen, and serve."""
        learning = self.adaptation
        segment = self.engine.batch if learning is None else learning.segmenter.batch
        make_room = (lambda: None) if learning is None else learning.make_room
        self.worker = Worker(self._node, self.engine, segment, self.lanes, self._parameters, self._times, self._wake,
                             make_room)
        self.worker.enabled = self.enabled
        self.worker.start()  # first, so that stop() can end it whatever fails below
        self.announce()
        self._rest(not self.enabled)
        for lane in self.lanes:
            lane.camera.subscribe()

    def stop(self) -> bool:
        """Stop listening, and wait for the frame in work. False if that takes longer than 2 s."""
        for lane in self.lanes:
            lane.camera.unsubscribe()
            if lane.points is not None:
                lane.points.unsubscribe()
        if self._frames is not None:
            self._frames.stop()
        self._rest(True)
        worker, self.worker = self.worker, None
        return worker is None or worker.stop()

    def close(self) -> None:
        """Let go of everything: publishers, subscriptions, tensors."""
        self.stop()
        if self.adaptation is not None:
            self.adaptation.close()
        for closing in (self._times, *(lane.outputs for lane in self.lanes), *self._class_names,
                        *(lane.points for lane in self.lanes if lane.points is not None)):
            closing.close()
        self.engine.close()

    def _rest(self, resting: bool) -> None:
        if self.adaptation is not None:
            self.adaptation.rest(resting)

    def enable(self, enabled: bool) -> None:
        self.enabled = enabled
        if self.worker is not None:
            self.worker.enabled = enabled
            self._rest(not enabled)

    def announce(self) -> None:
        """Publish the class names."""
        for names in self._class_names:
            names.publish(self._parameters['threshold'], self.engine.weights_version)

    def renew(self, changed: set[str]) -> None:
        """Follow parameters that changed while configured."""
        if any(name.startswith('publish_') for name in changed):
            for lane in self.lanes:
                lane.outputs.renew()
        if 'threshold' in changed and self.worker is not None:
            self.announce()

    def watch(self) -> None:
        """What is to be looked at now and then while active."""
        for lane in self.lanes:
            lane.camera.watch()
            if lane.points is not None:
                lane.points.watch()
        if self._frames is not None:
            self._frames.watch()
        for names in self._class_names:
            names.repeat(self._parameters['label_info_period'], self._parameters['threshold'], self.engine.weights_version)

"""What was served, as a bag for any viewer: mask, confidence, class names and the adapter's status. Written without ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from ..labels import LabelSpace
from .line import Seen

MASK, CONFIDENCE = '/segmentation/mask', '/segmentation/confidence'
LABEL_INFO, STATUS = '/segmentation/label_info', '/segmentation_node/adaptation/status'
IMAGE, LABEL_INFO_TYPE = 'sensor_msgs/msg/Image', 'vision_msgs/msg/LabelInfo'
STATUS_TYPE = 'diagnostic_msgs/msg/DiagnosticStatus'
TOPICS = {MASK: IMAGE, CONFIDENCE: IMAGE, LABEL_INFO: LABEL_INFO_TYPE, STATUS: STATUS_TYPE}
VISION_MSGS = {  # which are no part of ROS's own types
    'vision_msgs/msg/VisionClass': 'uint16 class_id\nstring class_name\n',
    LABEL_INFO_TYPE: 'std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n'}
_NEVER = QosTime(2147483647, 4294967295)
LATCHED = Qos(QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, _NEVER, _NEVER,
              QosLiveliness.AUTOMATIC, _NEVER, False)


class MasksBag:
    """A sink. Stamps and frame ids are those of the pictures, and so is the time of receipt."""

    def __init__(self, path: Path, labels: LabelSpace) -> None:
        self._labels, self._first = labels, True
        self._store = get_typestore(Stores.ROS2_JAZZY)
        for kind, text in VISION_MSGS.items():
            self._store.register(get_types_from_msg(text, kind))
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        self._topics = {topic: self._writer.add_connection(
            topic, kind, typestore=self._store, offered_qos_profiles=[LATCHED] if topic == LABEL_INFO else [])
            for topic, kind in TOPICS.items()}

    def add(self, seen: Seen) -> None:
        stamp_ns = seen.shot.stamp_ns
        header = self._header(stamp_ns, seen.shot.message.header.frame_id)
        if self._first:
            self._put(LABEL_INFO, stamp_ns, self._label_info(header))
            self._first = False
        self._put(MASK, stamp_ns, self._image(header, seen.served.mask))
        self._put(CONFIDENCE, stamp_ns, self._image(header, seen.served.confidence))
        self._put(STATUS, stamp_ns, self._status(seen))

    def drop(self, shot: object) -> None:
        pass

    def close(self) -> None:
        self._writer.close()

    def _put(self, topic: str, stamp_ns: int, message: Any) -> None:
        self._writer.write(self._topics[topic], stamp_ns, self._store.serialize_cdr(message, TOPICS[topic]))

    def _make(self, kind: str, **values: Any) -> Any:
        return self._store.types[kind](**values)

    def _header(self, stamp_ns: int, frame_id: str) -> Any:
        seconds, nanoseconds = divmod(stamp_ns, 10**9)
        stamp = self._make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
        return self._make('std_msgs/msg/Header', stamp=stamp, frame_id=frame_id)

    def _image(self, header: Any, plane: np.ndarray) -> Any:
        height, width = plane.shape
        return self._make(IMAGE, header=header, height=height, width=width, encoding='mono8', is_bigendian=0, step=width,
                          data=np.ascontiguousarray(plane).reshape(-1))

    def _label_info(self, header: Any) -> Any:
        classes = [self._make('vision_msgs/msg/VisionClass', class_id=train_id, class_name=name)
                   for train_id, name in enumerate(self._labels.names)]
        return self._make(LABEL_INFO_TYPE, header=header, class_map=classes, threshold=0.0)

    def _status(self, seen: Seen) -> Any:
        values, text = {'weights version': seen.version}, 'adaptation is off'
        if (status := seen.status) is not None:
            text = status.why
            values |= {'state': status.state, 'step': status.step, 'shift': f'{status.shift:.3f}', 'share': status.share,
                       'promotions': status.promotions, 'rejections': status.rejections, 'rollbacks': status.rollbacks}
        pairs = [self._make('diagnostic_msgs/msg/KeyValue', key=key, value=str(value)) for key, value in values.items()]
        return self._make(STATUS_TYPE, level=0, name='segmentation_node: adaptation', message=text, hardware_id='',
                          values=pairs)

"""Writes a drive as a rosbag2, without ROS: image, camera info, label mask and clock, all of one stamp a frame."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from uda_seg_ros.procedural.camera import Camera
from uda_seg_ros.procedural.drive import DriveFrame

STORAGES = {'sqlite3': StoragePlugin.SQLITE3, 'mcap': StoragePlugin.MCAP}
START_NS = 1_700_000_000 * 10**9
FRAME_ID = 'camera_optical_frame'
TOPICS = {
    '/camera/image_raw': 'sensor_msgs/msg/Image',
    '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
    '/camera/label': 'sensor_msgs/msg/Image',
    '/clock': 'rosgraph_msgs/msg/Clock',
    '/camera/depth': 'sensor_msgs/msg/Image',
}


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What the database says of a full or broken disk, said as the system would."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(str(error)) from error


class BagWriter:
    """A bag folder at `out`, which must not exist yet.

    image_raw is rgb8, label is mono8 train ids, depth (only if asked for) is 32FC1 metres. Stamps count from START_NS.
    """

    def __init__(self, out: Path, storage: str, depth: bool = False) -> None:
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._depth = depth
        self._writer = Writer(out, version=9, storage_plugin=STORAGES[storage])
        with _as_os_error():
            self._writer.open()
        topics = [topic for topic in TOPICS if depth or topic != '/camera/depth']
        self._connections = {
            topic: self._writer.add_connection(topic, TOPICS[topic], typestore=self._store) for topic in topics
        }

    def write(self, frame: DriveFrame) -> None:
        """Write one frame's messages; OSError where the disk is full."""
        stamp_ns = START_NS + frame.stamp_ns
        header = self._make('std_msgs/msg/Header', stamp=self._time(stamp_ns), frame_id=FRAME_ID)
        self._put('/clock', stamp_ns, self._make(TOPICS['/clock'], clock=self._time(stamp_ns)))
        self._put('/camera/camera_info', stamp_ns, self._camera_info(header, frame.camera))
        self._put('/camera/image_raw', stamp_ns, self._image(header, frame.image, 'rgb8'))
        self._put('/camera/label', stamp_ns, self._image(header, frame.label, 'mono8'))
        if self._depth:
            self._put('/camera/depth', stamp_ns, self._image(header, frame.depth, '32FC1'))

    def close(self) -> None:
        """Finish the bag: metadata.yaml and the index."""
        with _as_os_error():
            self._writer.close()

    def _put(self, topic: str, stamp_ns: int, message) -> None:
        data = self._store.serialize_cdr(message, TOPICS[topic])
        with _as_os_error():
            self._writer.write(self._connections[topic], stamp_ns, data)

    def _make(self, kind: str, **values):
        return self._store.types[kind](**values)

    def _time(self, stamp_ns: int):
        return self._make('builtin_interfaces/msg/Time', sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)

    def _image(self, header, array: np.ndarray, encoding: str):
        height, width = array.shape[:2]
        data = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
        return self._make(
            "sensor_msgs/msg/Image", header=header, height=height, width=width, encoding=encoding, is_bigendian=0,
            step=len(data) // height, data=data,
        )  # fmt: skip

    def _camera_info(self, header, camera: Camera):
        k = camera.matrix
        roi = self._make('sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
        return self._make(
            "sensor_msgs/msg/CameraInfo", header=header, height=camera.height, width=camera.width,
            distortion_model="plumb_bob", d=np.zeros(5), k=k.reshape(-1), r=np.eye(3).reshape(-1),
            p=np.hstack([k, np.zeros((3, 1))]).reshape(-1), binning_x=0, binning_y=0, roi=roi,
        )  # fmt: skip

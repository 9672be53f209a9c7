"""Small bags for the tests, written without ROS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_typestore

STAMPS = [1_000_000_000 + 50_000_000 * index for index in range(12)]
RECEIVE_DELAY_NS = 3_000_000
TOPICS = {'/camera/image_raw': 'sensor_msgs/msg/Image', '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
          '/camera/label': 'sensor_msgs/msg/Image'}


def picture(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """HxWx3 uint8 RGB, different for every index."""
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)


def header(types, stamp: int, **extra):
    time = types['builtin_interfaces/msg/Time'](sec=stamp // 10**9, nanosec=stamp % 10**9)
    return types['std_msgs/msg/Header'](stamp=time, frame_id='front', **extra)


def image(types, stamp: int, pixels: np.ndarray, **extra):
    encoding = 'rgb8' if pixels.ndim == 3 else 'mono8'
    return types['sensor_msgs/msg/Image'](
        header=header(types, stamp, **extra), height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
        is_bigendian=0, step=pixels.strides[0], data=pixels.reshape(-1))


def _info(types, stamp: int, upper: bool, **extra):
    values = {'d': np.array([0.1, 0.2]), 'k': np.array([500.0, 0, 32, 0, 500, 24, 0, 0, 1]), 'r': np.eye(3).reshape(-1),
              'p': np.eye(3, 4).reshape(-1)}
    roi = types['sensor_msgs/msg/RegionOfInterest'](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return types['sensor_msgs/msg/CameraInfo'](
        header=header(types, stamp, **extra), height=48, width=64, distortion_model='plumb_bob', binning_x=0, binning_y=0,
        roi=roi, **{name.upper() if upper else name: value for name, value in values.items()})


def _messages(types, upper: bool = False, **extra):
    """(topic, receive time, message) of a drive of len(STAMPS) frames with labels."""
    for index, stamp in enumerate(STAMPS):
        receive = stamp + RECEIVE_DELAY_NS
        yield '/camera/camera_info', receive, _info(types, stamp, upper, **extra)
        yield '/camera/label', receive + 1, image(types, stamp, picture(index)[..., 0] % 19, **extra)
        yield '/camera/image_raw', receive + 2, image(types, stamp, picture(index), **extra)


def write_all(root: Path) -> dict[str, Path]:
    """The same drive in every kind of bag."""
    return {'sqlite3': write_ros2(root / 'sqlite3', 'sqlite3'), 'mcap': write_ros2(root / 'mcap', 'mcap'),
            'zstd': write_ros2(root / 'zstd', 'mcap', compress=True), 'ros1': write_ros1(root / 'drive.bag')}


def write_ros2(path: Path, storage: str, compress: bool = False, rename: dict[str, str] | None = None,
               only: str = '', encoding: str = '') -> Path:
    """A rosbag2 folder. storage: 'sqlite3' or 'mcap'. compress: every message by zstd. only: a single topic. encoding: what
    the camera's images claim to be in.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    messages = [((rename or {}).get(topic, topic), receive, message) for topic, receive, message in _messages(store.types)
                if only in ('', topic)]
    for topic, _, message in messages:
        if encoding and topic == '/camera/image_raw':
            object.__setattr__(message, 'encoding', encoding)
    write(path, storage, store, messages, compress)
    return path


def write_ros1(path: Path) -> Path:
    """A ROS 1 bag."""
    store = get_typestore(Stores.ROS1_NOETIC)
    write(path, 'ros1', store, _messages(store.types, upper=True, seq=7))
    return path


def write(path: Path, storage: str, store, messages, compress: bool = False) -> None:
    """A bag of (topic, receive time, message). storage: 'sqlite3', 'mcap' or 'ros1'. compress: every message by zstd."""
    connections = {}
    with _writer(path, storage, compress) as writer:
        for topic, receive, message in messages:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            serialize = store.serialize_ros1 if storage == 'ros1' else store.serialize_cdr
            writer.write(connections[topic], receive, serialize(message, kind))


def _writer(path: Path, storage: str, compress: bool):
    if storage == 'ros1':
        from rosbags.rosbag1 import Writer
        return Writer(path)
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compress:
        writer.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    return writer

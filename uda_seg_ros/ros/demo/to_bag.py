"""Makes a rosbag2 of a folder of pictures (and labels), a video or a ROS 1 bag: one image topic, one label topic.

    python -m uda_seg_ros.ros.demo.to_bag --input PICTURES --labels LABELS --label-space camvid11 --rate 10 --out drive_bag
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from ...labels import LABEL_SPACES
from ...recordings.cameras import LABEL_TOPIC
from ..bag import BagError
from ..convert import to_image
from .sources import Source, SourceError, SourceOptions, label_space, open_source, set_stamp

IMAGE_TOPIC = '/camera/image_raw'


def main(argv: list[str] | None = None) -> int:
    """Write the bag and return the exit code: 0, or 2 after one line that says what went wrong."""
    parser = argparse.ArgumentParser(prog='python -m uda_seg_ros.ros.demo.to_bag', description=__doc__.splitlines()[0])
    parser.add_argument('--input', type=Path, required=True, help='folder of pictures, video or bag')
    parser.add_argument('--labels', type=Path, help='folder of label pictures, named like the pictures')
    parser.add_argument('--label-space', choices=sorted(LABEL_SPACES), help='what the ids in the labels mean')
    parser.add_argument('--rate', type=float, default=0.0, metavar='HZ', help="frames a second (default: the drive's own)")
    parser.add_argument('--frames', type=int, metavar='N', help='the first N frames only')
    parser.add_argument('--storage', choices=('mcap', 'sqlite3'), default='mcap')
    parser.add_argument('--out', type=Path, required=True, help='new folder for the bag')
    arguments = parser.parse_args(argv)
    try:
        options = SourceOptions(labels=arguments.labels, space=label_space(arguments.label_space, arguments.labels),
                                rate_hz=arguments.rate)
        if arguments.out.exists():
            raise SourceError(f'{arguments.out}: exists already; choose another folder with --out')
        source = open_source(arguments.input, options)
        frames = write(source, arguments.out, arguments.storage, arguments.frames)
    except (SourceError, BagError, OSError) as error:
        print(f'to_bag: error: {error}', file=sys.stderr)
        return 2
    for note in source.notes:
        print(note)
    print(f'{arguments.out}: {frames} frames{" with labels" if source.has_labels else ""}')
    return 0


def write(source: Source, path: Path, storage: str, limit: int | None = None) -> int:
    """Write the frames (the first `limit`) and their labels. Returns the number of frames."""
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore
    types = get_typestore(Stores.ROS2_JAZZY)
    kind = 'sensor_msgs/msg/CompressedImage' if source.compressed else 'sensor_msgs/msg/Image'
    topic = f'{IMAGE_TOPIC}/compressed' if source.compressed else IMAGE_TOPIC
    stamps = set()
    with Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()]) as bag:
        images = bag.add_connection(topic, kind, typestore=types)
        for shot in islice(source.shots(), limit):
            bag.write(images, shot.stamp_ns, serialize_message(shot.message))
            stamps.add(shot.stamp_ns)
        if source.has_labels:
            labels = bag.add_connection(LABEL_TOPIC, 'sensor_msgs/msg/Image', typestore=types)
            for stamp_ns, label in source.labels():
                if stamp_ns in stamps:
                    message = to_image(label, 'mono8', Header(frame_id='camera'))
                    set_stamp(message, stamp_ns)
                    bag.write(labels, stamp_ns, serialize_message(message))
    return len(stamps)


if __name__ == '__main__':
    sys.exit(main())

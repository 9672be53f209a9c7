"""sensor_msgs/PointCloud2 to coordinates, and labelled points back to a message."""

from __future__ import annotations

import array as arrays

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

_FLOATS = {PointField.FLOAT32: 'f4', PointField.FLOAT64: 'f8'}
# x y z and rgb as everybody reads them (rgb: 0xRRGGBB in the bits of a float), label as PCL's PointXYZRGBL has it.
POINT = np.dtype([('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('rgb', '<u4'), ('label', '<u4'), ('confidence', '<f4')])
_TYPES = {'label': PointField.UINT32}


class CloudError(ValueError):
    """A cloud that cannot be read. The text says why."""


def read_xyz(cloud: PointCloud2) -> np.ndarray:
    """Nx3 float32, row by row, N = height * width. Raises CloudError where x, y, z are not there or data is missing."""
    fields = {field.name: field for field in cloud.fields}
    missing = [name for name in 'xyz' if name not in fields]
    if missing:
        raise CloudError(f'the cloud has no field {", ".join(missing)}; it has {", ".join(fields) or "none"}')
    strange = [name for name in 'xyz' if fields[name].datatype not in _FLOATS]
    if strange:
        raise CloudError(f'the field {", ".join(strange)} of the cloud is not of floating point')
    order = '>' if cloud.is_bigendian else '<'
    kind = np.dtype({'names': list('xyz'), 'formats': [order + _FLOATS[fields[name].datatype] for name in 'xyz'],
                     'offsets': [fields[name].offset for name in 'xyz']})
    row_step = cloud.row_step or cloud.width * cloud.point_step
    needed = (cloud.height - 1) * row_step + (cloud.width - 1) * cloud.point_step + kind.itemsize
    if cloud.height * cloud.width == 0:
        return np.zeros((0, 3), np.float32)
    if needed > len(cloud.data):
        raise CloudError(f'the cloud has {len(cloud.data)} bytes; {cloud.width}x{cloud.height} points need {needed}')
    points = np.ndarray((cloud.height, cloud.width), kind, np.frombuffer(cloud.data, np.uint8),
                        strides=(row_step, cloud.point_step))
    return np.stack([points[name].ravel().astype(np.float32) for name in 'xyz'], axis=1)


def to_cloud(header: Header, height: int, width: int, points: np.ndarray, rgb: np.ndarray, label: np.ndarray,
             confidence: np.ndarray) -> PointCloud2:
    """A message of N = height * width labelled points, the same byte for byte as of sensor_msgs_py's create_cloud.

    points: Nx3. rgb: Nx3 uint8. label: N uint8. confidence: N uint8, which becomes 0..1. Written here and not there,
    because sensor_msgs_py is not everywhere, and one way of writing is one to go wrong.
    """
    content = np.empty(len(points), POINT)
    for axis, name in enumerate('xyz'):
        content[name] = points[:, axis]
    red, green, blue = rgb.T.astype(np.uint32)
    content['rgb'] = red << 16 | green << 8 | blue
    content['label'] = label
    content['confidence'] = confidence.astype(np.float32) / 255
    cloud = PointCloud2(header=header, height=height, width=width, fields=fields(), is_bigendian=False,
                        point_step=POINT.itemsize, row_step=POINT.itemsize * width, is_dense=False)
    data = arrays.array('B')
    data.frombytes(memoryview(content).cast('B') if len(content) else b'')
    cloud.data = data
    return cloud


def fields() -> list[PointField]:
    """What a labelled point holds."""
    return [PointField(name=name, offset=POINT.fields[name][1], datatype=_TYPES.get(name, PointField.FLOAT32), count=1)
            for name in POINT.names]

"""Point clouds of every layout that drivers send, and the message of labelled points against sensor_msgs_py's own."""

from __future__ import annotations

import array
import struct

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from uda_seg_ros.ros.clouds import POINT, CloudError, fields, read_xyz, to_cloud

POINTS = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


def cloud_of(points: np.ndarray, *, height: int = 1, kind: str = '<f4', offset: int = 0, gap: int = 0, end: int = 0,
             names: str = 'xyz') -> PointCloud2:
    """Points as a driver sends them. offset: bytes before x; gap: after z; end: after each row."""
    size = np.dtype(kind).itemsize
    dtype = np.dtype({'names': list('xyz'), 'formats': [kind] * 3, 'offsets': [offset + size * i for i in range(3)],
                      'itemsize': offset + 3 * size + gap})
    content = np.zeros(len(points), dtype)
    for axis, name in enumerate('xyz'):
        content[name] = points[:, axis]
    width = len(points) // height
    rows = [row.tobytes() + b'\xff' * end for row in content.reshape(height, width)]
    told = [PointField(name=name, offset=offset + size * i, count=1,
                       datatype=PointField.FLOAT32 if size == 4 else PointField.FLOAT64) for i, name in enumerate(names)]
    return PointCloud2(height=height, width=width, fields=told, is_bigendian=kind[0] == '>', point_step=dtype.itemsize,
                       row_step=width * dtype.itemsize + end, data=array.array('B', b''.join(rows)))


@pytest.mark.parametrize('layout', [
    {}, {'height': 3}, {'kind': '<f8'}, {'kind': '>f4'}, {'offset': 4}, {'gap': 20}, {'height': 4, 'end': 7},
    {'height': 2, 'kind': '>f8', 'offset': 3, 'gap': 5, 'end': 1}], ids=str)
def test_coordinates_are_read_from_any_layout(layout):
    read = read_xyz(cloud_of(POINTS, **layout))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, POINTS)


def test_a_cloud_without_points_has_none():
    assert read_xyz(cloud_of(POINTS[:0])).shape == (0, 3)


def test_a_cloud_without_coordinates_is_refused_by_name():
    with pytest.raises(CloudError, match='no field y, z; it has x, r, i'):
        read_xyz(cloud_of(POINTS, names='xri'))


def test_a_cloud_of_whole_numbers_is_refused():
    cloud = cloud_of(POINTS)
    cloud.fields[1].datatype = PointField.INT16
    with pytest.raises(CloudError, match='the field y of the cloud is not of floating point'):
        read_xyz(cloud)


def test_a_cloud_whose_data_ends_early_is_refused():
    cloud = cloud_of(POINTS)
    cloud.data = cloud.data[:-1]
    with pytest.raises(CloudError, match='143 bytes; 12x1 points need 144'):
        read_xyz(cloud)


def labelled(height: int = 3) -> PointCloud2:
    rgb = np.arange(36, dtype=np.uint8).reshape(12, 3) * 7
    return to_cloud(Header(frame_id='lidar'), height, 12 // height, POINTS, rgb, np.arange(12, dtype=np.uint8) + 244,
                    np.arange(12, dtype=np.uint8) * 20)


def test_a_labelled_point_is_laid_out_as_promised():
    cloud = labelled()
    assert (cloud.header.frame_id, cloud.height, cloud.width, cloud.point_step, cloud.row_step) == ('lidar', 3, 4, 24, 96)
    assert [(field.name, field.offset, field.datatype, field.count) for field in cloud.fields] == [
        ('x', 0, 7, 1), ('y', 4, 7, 1), ('z', 8, 7, 1), ('rgb', 12, 7, 1), ('label', 16, 6, 1), ('confidence', 20, 7, 1)]
    x, y, z, rgb, label, confidence = struct.unpack_from('<fffIIf', bytes(cloud.data), 24 * 5)
    assert (x, y, z) == tuple(POINTS[5])
    assert (rgb, label) == ((105 << 16) + (112 << 8) + 119, 249)
    assert confidence == pytest.approx(100 / 255)
    np.testing.assert_array_equal(read_xyz(cloud), POINTS)


@pytest.mark.parametrize('height', [1, 3])
def test_the_message_is_that_of_sensor_msgs_py_byte_for_byte(height):
    module = pytest.importorskip('sensor_msgs_py.point_cloud2')
    ours = labelled(height)
    content = np.frombuffer(bytes(ours.data), module.dtype_from_fields(fields(), POINT.itemsize))
    theirs = module.create_cloud(ours.header, fields(), content if height == 1 else content.reshape(12 // height, height))
    assert theirs == ours
    assert module.read_points(ours)['label'].tolist() == list(range(244, 256))

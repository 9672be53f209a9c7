"""A folder of pictures is a drive in the order in which people count."""

from __future__ import annotations

from uda_seg_ros.recordings.folder import natural


def test_names_sort_as_people_count():
    names = ['b2', 'a10', 'a9', '10', '9', 'a']
    assert sorted(names, key=natural) == ['9', '10', 'a', 'a9', 'a10', 'b2']

"""Labels find their pictures by stamps."""

from __future__ import annotations

import pytest

from offline.datasets.stamps import pair


@pytest.mark.parametrize(('images', 'labels', 'expected'), [
    ([10, 20, 30], [10, 20, 30], [(0, 0), (1, 1), (2, 2)]),
    ([10, 20, 30], [20], [(1, 0)]),
    ([10, 20, 30], [13, 31], [(0, 0), (2, 1)]),
    ([10, 20, 30], [36], []),
    ([10, 14], [12], [(0, 0)]),
    ([10, 14], [13], [(1, 0)]),
    ([10, 14], [12, 15], [(0, 0), (1, 1)]),
    ([10, 12], [12, 14], [(1, 0)]),
    ([10, 13], [12, 13], [(1, 1)]),
    ([0, 0, 0], [0, 0], [(0, 0), (1, 1)]),
    ([20, 10], [10, 20], [(1, 0), (0, 1)]),
    ([], [5], []),
], ids=['equal', 'few labels', 'near', 'too far', 'between two', 'nearer to the second', 'each its own', 'equal before near',
        'equal before nearer', 'all of one stamp', 'out of order', 'no picture'])
def test_a_label_belongs_to_the_picture_of_its_time(images, labels, expected):
    assert pair(images, labels, tolerance=5) == expected

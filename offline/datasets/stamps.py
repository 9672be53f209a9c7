"""Which label belongs to which picture, by their stamps."""

from __future__ import annotations

from collections.abc import Sequence


def pair(images: Sequence[int], labels: Sequence[int], tolerance: int) -> list[tuple[int, int]]:
    """(place of a picture, place of its label) for each that has one, in the order of time. All in one unit.

    A label belongs to the picture of its stamp, else to the nearest within the tolerance. Nothing is used twice, and no two
    pairs cross; several of one stamp pair up in their order.
    """
    pairs, i, j = [], 0, 0
    by_time = [sorted((stamp, place) for place, stamp in enumerate(stamps)) for stamps in (images, labels)]
    while i < len(by_time[0]) and j < len(by_time[1]):
        (image, image_place), (label, label_place) = by_time[0][i], by_time[1][j]
        distance = abs(image - label)
        if i + 1 < len(images) and abs(by_time[0][i + 1][0] - label) < distance:
            i += 1
        elif j + 1 < len(labels) and abs(by_time[1][j + 1][0] - image) < distance:
            j += 1
        elif distance <= tolerance:
            pairs.append((image_place, label_place))
            i, j = i + 1, j + 1
        elif image < label:
            i += 1
        else:
            j += 1
    return pairs

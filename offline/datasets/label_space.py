"""The label space of a recording's labels, which only the user knows."""

from __future__ import annotations

from uda_seg_ros.config import nearest
from uda_seg_ros.labels import LABEL_SPACES


def check_space(name: str, option: str, labels: str) -> None:
    """Raise ValueError unless a known space is named exactly where there are labels.

    name: the option label_space. option, labels: name and value of the option that says where the labels are.
    """
    if bool(name) != bool(labels):
        raise ValueError(f'{option} and label_space go together: the one says where labels are, the other what ids mean')
    if name and name not in LABEL_SPACES:
        raise ValueError(f'label_space {name!r} is unknown{nearest(name, LABEL_SPACES)}; known: {", ".join(LABEL_SPACES)}')

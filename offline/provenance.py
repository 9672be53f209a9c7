"""Which code and which libraries made a result."""

from __future__ import annotations

import platform

import cv2
import numpy as np
import torch

from uda_seg_ros.provenance import commit

__all__ = ('commit', 'versions')


def versions() -> dict[str, str]:
    """Of Python and of the libraries that compute."""
    return {'python': platform.python_version(), 'torch': str(torch.__version__), 'numpy': np.__version__,
            'opencv': cv2.__version__}

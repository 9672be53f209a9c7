"""Where what was computed once is kept: rendered drives, class statistics."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$UDA_SEG_CACHE, else ~/.cache/uda_seg_ros. May not exist yet."""
    return Path(os.environ.get('UDA_SEG_CACHE') or Path.home() / '.cache' / 'uda_seg_ros')

"""Which code and which libraries made a result."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import cv2
import numpy as np
import torch


def versions() -> dict[str, str]:
    """Of Python and of the libraries that compute."""
    return {'python': platform.python_version(), 'torch': str(torch.__version__), 'numpy': np.__version__,
            'opencv': cv2.__version__}


def commit() -> str:
    """The commit of the checkout, 'unknown' outside of one."""
    try:
        answer = subprocess.run(['git', 'describe', '--always', '--dirty', '--abbrev=40'], cwd=Path(__file__).parent,
                                capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'
    return answer.stdout.strip()

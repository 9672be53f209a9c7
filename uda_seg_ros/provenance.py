"""What made a result: the network, the code, the libraries, the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from . import __version__
from .bundle import WEIGHTS, Manifest

LIBRARIES = ('torch', 'numpy', 'opencv-python-headless')


def describe_bundle(manifest: Manifest, folder: str) -> dict[str, Any]:
    """What a person wants to know of the network that was run."""
    provenance = manifest.provenance
    origin = provenance.get('trained_on') or provenance.get('source')
    return {'bundle': folder, 'network': manifest.model.name, **({'trained on': str(origin)} if origin else {}),
            'classes': manifest.labels.name, 'network input': f'{manifest.preprocess.width}x{manifest.preprocess.height}',
            'weights (SHA-256)': manifest.digests.get(WEIGHTS, '')[:12]}


def versions(libraries: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Versions of the package and of what it stands on, and the processor."""
    found = {'uda_seg_ros': __version__, 'Python': platform.python_version()}
    for name in libraries:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # a library of the system need not have metadata
            continue
    return {**found, 'processor': f'{platform.machine()}, {os.cpu_count()} cores'}


def commit() -> str:
    """The commit of the checkout, 'unknown' outside of one."""
    try:
        answer = subprocess.run(['git', 'describe', '--always', '--dirty', '--abbrev=40'], cwd=Path(__file__).parent,
                                capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'
    return answer.stdout.strip()

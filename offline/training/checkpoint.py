"""What resumes a training, in one file that is there whole or not at all."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import torch

from uda_seg_ros.storage.whole_file import write_whole

FORMAT = 1


class CheckpointError(ValueError):
    """A checkpoint cannot be read or written, or does not fit. The text says which, why, and what to do."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, texts and containers of them. The file before stays until the new one is on the disk.

    Raises CheckpointError, OSError.
    """
    free = shutil.disk_usage(path.parent).free  # asked now: torch may hold the draft's room after it failed
    try:
        write_whole(path, lambda draft: torch.save({'format': FORMAT, **state}, draft))
    except RuntimeError as error:  # torch's word for a disk that is full, which says nothing of the disk
        before = 'the checkpoint before it is kept' if path.exists() else 'there is none before it'
        raise CheckpointError(f'{path}: cannot be written; {free / 1e6:.0f} MB were free there; '
                              f'{before}; make room, then give the same command with --resume') from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read on the CPU; nothing in the file is executed. Raises CheckpointError."""
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f'{path}: cannot be read: {str(error).splitlines()[0]}; remove the file to begin the stage '
                              'anew') from error
    if not isinstance(state, dict) or state.pop('format', None) != FORMAT:
        raise CheckpointError(f'{path}: not a checkpoint of this version; remove the file to begin the stage anew')
    return state

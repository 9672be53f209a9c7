"""A bundle, or a run that one can be made of, by its folder."""

from __future__ import annotations

from pathlib import Path

from uda_seg_ros.bundle import MANIFEST, Bundle, BundleError

from .training.run_folder import RECIPE, RunFolder


def is_run(folder: Path) -> bool:
    """Whether the folder is a training run's."""
    return (folder / RECIPE).is_file()


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, or that of the last finished stage of the run there. Raises BundleError or RunError."""
    if (folder / MANIFEST).exists():
        return Bundle.load(folder)
    if is_run(folder):
        return RunFolder(folder).bundle()
    if not folder.is_dir():
        raise BundleError(f'{folder}: there is no such folder; expected a bundle ({MANIFEST}) or a training run ({RECIPE})')
    raise BundleError(f'{folder}: holds neither {MANIFEST} (a bundle) nor {RECIPE} (a training run)')

"""Picture files in; mask, colour and overlay files out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..structures import Frame
from .engine import Engine
from .pictures import PictureError, read_picture, write_picture
from .render import colorize, overlay


def infer(engine: Engine, pictures: Sequence[Path], out: Path, *, alpha: float = 0.5,
          tell: Callable[[str], None] = print) -> int:
    """Segment files into `out`: NAME_mask.png (train ids), NAME_color.png and NAME_overlay.png of each.

    alpha: share of colour in the overlay, 0..1. tell: gets one line for each picture that cannot be read; the next goes on.
    Returns how many could not. Raises PictureError if two pictures would write the same files, OSError if `out` cannot be
    written.
    """
    _check_names(pictures)
    out.mkdir(parents=True, exist_ok=True)
    failures = 0
    for path in pictures:
        try:
            image = read_picture(path)
        except PictureError as error:
            tell(str(error))
            failures += 1
            continue
        mask = engine(Frame(image), confidence=False).mask
        color = colorize(mask, engine.labels.palette())
        for kind, picture in (('mask', mask), ('color', color), ('overlay', overlay(image, color, alpha))):
            write_picture(out / f'{path.stem}_{kind}.png', picture)
    return failures


def _check_names(pictures: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in pictures:
        if path.stem in seen:
            raise PictureError(f'{seen[path.stem]} and {path} would both be written as {path.stem}_mask.png; '
                               'segment them into folders of their own')
        seen[path.stem] = path

"""Picture files: read whole or refused."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')
JPEG, PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'  # what such files begin with
_START_OF_SCAN, _END_OF_IMAGE = b'\xff\xda', b'\xff\xd9'


class PictureError(ValueError):
    """A file is not a picture that can be read. The text names the file."""


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """HxWx3 uint8 RGB, on the file's own pixels: a rotation that the file notes is not applied. Raises PictureError."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PictureError(f'{path}: cannot be read: {error.strerror or error}') from error
    if not reaches_its_end(content):
        raise PictureError(f'{path}: the file is truncated: its end is missing')
    image = decode_picture(np.frombuffer(content, np.uint8))
    if image is None:
        raise PictureError(f'{path}: not a picture, or a damaged one')
    return image


def decode_picture(content: np.ndarray) -> np.ndarray | None:
    """HxWx3 uint8 RGB of a picture file's bytes, on its own pixels; None for what cannot be decoded."""
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def write_picture(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write HxW or HxWx3 RGB, uint8; the suffix tells the format. Raises OSError."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    Path(path).write_bytes(cv2.imencode(Path(path).suffix, bgr)[1].tobytes())


def find_pictures(sources: Iterable[str | os.PathLike]) -> list[Path]:
    """The files themselves, and of a folder the pictures directly in it, by name. Raises PictureError if it has none."""
    found = []
    for source in map(Path, sources):
        inside = sorted(path for path in source.glob('*') if path.suffix.lower() in SUFFIXES)
        if source.is_dir() and not inside:
            raise PictureError(f'{source}: no pictures in this folder (looked for {", ".join(SUFFIXES)})')
        found += inside or [source]
    return found


def reaches_its_end(content: bytes) -> bool:
    """Whether a JPEG or PNG holds its end mark; True for any other file.

    Decoders fill up what is missing of a truncated JPEG with grey and call it a picture. Bytes after the end mark are
    fine: some cameras pad. A thumbnail inside the file has marks of its own, but before those of the picture.
    """
    if content.startswith(JPEG):
        return content.rfind(_END_OF_IMAGE) > content.rfind(_START_OF_SCAN)
    return b'IEND' in content if content.startswith(PNG) else True

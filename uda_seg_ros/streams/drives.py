"""The labelled drives that streams are made of: procedural ones, and CamVid where it lies beside the project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from .. import procedural
from ..labels import CAMVID, CITYSCAPES, IGNORE, LabelSpace, mapping
from ..procedural import SIZE, Scene, World
from ..runtime.pictures import PictureError, read_picture
from .errors import StreamError
from .schedule import DAY, DUSK

FAR_M = 150.0
OTHER = 500  # added to a drive's seed: another drive of the same town


class Drive(Protocol):
    """Labelled frames of one condition, in order. weather: what it is always in."""

    weather: Mapping[str, float]

    def __len__(self) -> int: ...

    def scene(self, place: int) -> Scene:
        """The frame at a place: image, Cityscapes train ids for the weather, depth."""

    def label(self, place: int, scene: Scene) -> np.ndarray:
        """HxW uint8 train ids of the material's label space."""


class Material(Protocol):
    """labels: of all its drives. drives: DAY and DUSK. other: the same of other places, for what may look at labels.

    resized: whether frames are kept in the size of the network's input, or as they are. key: tells materials apart.
    """

    labels: LabelSpace
    resized: bool
    key: str
    drives: Mapping[str, Drive]
    other: Mapping[str, Drive]


class ProceduralDrive:
    """One drive through a town, without end."""

    def __init__(self, town: str, seed: int, fps: float, weather: Mapping[str, float]) -> None:
        self.weather = weather
        self._make = lambda: World(town, seed, SIZE, fps)

    def __len__(self) -> int:
        return 100_000

    @cached_property
    def _world(self) -> World:
        """Built when first looked at: that takes seconds."""
        return self._make()

    def scene(self, place: int) -> Scene:
        return self._world.frame(place)

    def label(self, place: int, scene: Scene) -> np.ndarray:
        return scene.label


class Procedural:
    """Drives through the default bundle's own town along streets it never saw; dusk is another drive of it, by less light.

    fps: frames a second of drive. seed: of the streets.
    """

    labels, resized = CITYSCAPES, True

    def __init__(self, fps: float = 1.0, seed: int = 2000, town: str = 'town_a') -> None:
        self.drives, self.other = (
            {DAY: ProceduralDrive(town, first, fps, {}), DUSK: ProceduralDrive(town, first + 1, fps, {'night': 0.5})}
            for first in (seed, seed + OTHER))
        digest = hashlib.sha256(f'{town} {seed} {fps}'.encode())
        for source in sorted(Path(procedural.__file__).parent.rglob('*.py')):
            digest.update(source.read_bytes())
        self.key = f'procedural {digest.hexdigest()[:16]}'


class CamVidDrive:
    """The frames of a list of CamVid in the layout of SegNet's authors: images/, labels/ with ids 0..10, 11 is void."""

    weather: Mapping[str, float] = {}

    def __init__(self, root: Path, split: str) -> None:
        listed = root / 'splits' / f'{split}.txt'
        try:
            self._names = listed.read_text(encoding='utf-8').split()
        except OSError as error:
            raise StreamError(f'{listed}: {error.strerror}; --data camvid:PATH needs images/, labels/ and splits/') from None
        if not self._names:
            raise StreamError(f'{listed}: names no picture')
        self._root, self._to_cityscapes = root, mapping(CAMVID, CITYSCAPES)

    def __len__(self) -> int:
        return len(self._names)

    def scene(self, place: int) -> Scene:
        stem = self._root / 'images' / self._names[place]
        path = next((path for path in (stem.with_suffix(end) for end in ('.jpg', '.png')) if path.exists()), None)
        if path is None:
            raise StreamError(f'{stem}.jpg: not found, yet the list of its split names it')
        try:
            image = read_picture(path)
        except PictureError as error:
            raise StreamError(str(error)) from error
        label = self._to_cityscapes[self._label(place)]
        return Scene(image, label, depth_by_row(label))

    def label(self, place: int, scene: Scene) -> np.ndarray:
        return self._label(place)

    def _label(self, place: int) -> np.ndarray:
        path = self._root / 'labels' / f'{self._names[place]}.png'
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if label is None or label.ndim != 2:
            raise StreamError(f'{path}: not found, or no picture of class ids')
        return np.where(label < CAMVID.num_classes, label, IGNORE).astype(np.uint8)


class CamVid:
    """Real day and real dusk of the same town (Brostow et al., 2009): Seq05VD and 0001TP, 1 labelled frame a second."""

    labels, resized = CAMVID, False

    def __init__(self, root: Path) -> None:
        self.drives = {DAY: CamVidDrive(root, 'source_day_test'), DUSK: CamVidDrive(root, 'seq_0001TP')}
        self.other = {DAY: CamVidDrive(root, 'source_day_val'), DUSK: CamVidDrive(root, 'target_dusk_adapt')}
        digest = hashlib.sha256(str(root.resolve()).encode())
        for source in (*sorted((Path(procedural.__file__).parent / 'weather').glob('*.py')), Path(__file__)):
            digest.update(source.read_bytes())
        self.key = f'camvid {digest.hexdigest()[:16]}'


def depth_by_row(label: np.ndarray, camera_height_m: float = 1.5, focal: float = 1.2, horizon: float = 0.48) -> np.ndarray:
    """HxW float32 metres where none are known: a flat road below the horizon, at most 150 m; what is labelled sky is far.

    focal: in heights of the picture. horizon: share of the height. Smoothed, so that no edge of a label shows.
    """
    height, width = label.shape
    below = np.maximum(np.arange(height, dtype=np.float32) - horizon * height, 1.0)
    rows = np.minimum(camera_height_m * focal * height / below, FAR_M).astype(np.float32)
    depth = np.where(label == CITYSCAPES.names.index('sky'), np.float32(2 * FAR_M), rows[:, None])
    return cv2.GaussianBlur(np.broadcast_to(depth, (height, width)).astype(np.float32), (0, 0), 0.02 * height)


def open_material(text: str) -> Material:
    """'procedural' or 'camvid:PATH'. Raises StreamError."""
    kind, _, path = text.partition(':')
    if kind == 'procedural' and not path:
        return Procedural()
    if kind == 'camvid' and path:
        return CamVid(Path(path))
    raise StreamError(f'--data {text!r} is not possible; possible: procedural, camvid:PATH')

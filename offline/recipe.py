"""A recipe: which networks are trained on which data, stage by stage, read strictly from YAML, in the program's nouns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError


@dataclass(frozen=True)
class DataSpec:
    """A data set. kind: its name in datasets.DATASETS. path: its root. options: what its Config has beside the path.

    In a recipe also written 'kind:path' or 'kind:path?option=value&option=value', as --set takes it.
    """

    kind: str
    path: str = ''
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSpec:
    """A network of models.NETWORKS with its settings.

    weights: where its first tensors come from: '' (random), 'bundle:FOLDER', 'run:FOLDER' (a run's last student; #PART is
    another part), 'hf:NAME', or a file (.safetensors, .pth) of a known layout, with options after '?'; see
    initial_weights.py.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ''


@dataclass(frozen=True)
class Data:
    """labels: the label space that all is mapped to. source: mixed by size. target: images only, labels are never read.

    evaluate: labelled data by the name its score gets; used for scores, never for training.
    """

    labels: str
    source: tuple[Any, ...]
    target: tuple[Any, ...] = ()
    evaluate: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Loader:
    """How crops are made.

    batch: source images a step, and as many target images. crop: (height, width) in pixels. source_height, target_height:
    pictures are resized to this height first, aspect kept, None leaves them. scale: least and greatest further enlargement
    of a crop. rare_class_temperature: of rare-class sampling (DAFormer), None is off. cat_max_ratio: greatest share of one
    class in a source crop (0.75 in DAFormer), None is off. workers: processes that load, 0 is the training's own. cache_mb:
    memory for pictures read before, of all workers together.
    """

    batch: int
    crop: tuple[int, int]
    source_height: int | None = None
    target_height: int | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    rare_class_temperature: float | None = None
    cat_max_ratio: float | None = None
    workers: int = 0
    cache_mb: int = 1024

    def __post_init__(self) -> None:
        heights = [height for height in (self.source_height, self.target_height) if height is not None]
        if min(self.batch, *self.crop, *heights) < 1:
            raise ConfigError('batch, crop, source_height and target_height must be 1 or more')
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ConfigError('scale must be two factors above 0, the lesser first')
        if self.rare_class_temperature is not None and self.rare_class_temperature <= 0:
            raise ConfigError('rare_class_temperature must be above 0')
        if self.cat_max_ratio is not None and not 0 < self.cat_max_ratio <= 1:
            raise ConfigError('cat_max_ratio must be above 0 and at most 1')
        if min(self.workers, self.cache_mb) < 0:
            raise ConfigError('workers and cache_mb must be 0 or more')


@dataclass(frozen=True)
class Optimiser:
    """name: adamw or sgd. lr: of encoders, in its peak; heads get head_factor times that. betas: adamw's, momentum: sgd's.

    clip: greatest gradient norm, None is any.
    """

    name: Literal['adamw', 'sgd'] = 'adamw'
    lr: float = 6e-5
    head_factor: float = 10.0
    weight_decay: float = 0.01
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = None


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up over `warmup` steps from 1e-6 of the peak, times (share of the steps left) ** power."""

    warmup: int = 1500
    power: float = 1.0


@dataclass(frozen=True)
class Stage:
    """One run of one method.

    method: its name in methods.METHODS; config: its Config. networks: by role, instead of or beside the recipe's. A role
    that the method can do without (Method.OPTIONAL) is filled only if it is named here or in init. init: by part ('student',
    'teacher', ...), where it starts: 'previous.student', 'STAGE.PART' of an earlier stage; else the network as it is.
    statistics: of BatchNorm when the stage ends: as trained, or estimated anew on the target's pictures.
    optimiser, discriminator, schedule, loader: as a whole instead of the recipe's.
    """

    name: str
    method: str
    steps: int
    config: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Any] = field(default_factory=dict)
    init: Mapping[str, str] = field(default_factory=dict)
    statistics: Literal['trained', 'target'] = 'trained'
    optimiser: Optimiser | None = None
    discriminator: Optimiser | None = None
    schedule: Schedule | None = None
    loader: Loader | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f'stage {self.name}: steps must be 1 or more')


@dataclass(frozen=True)
class Recipe:
    """seed: of weights, order, crops and all else. preprocess: the vehicle's, which scoring and export use."""

    data: Data
    loader: Loader
    networks: Mapping[str, Any]
    stages: tuple[Stage, ...]
    preprocess: Preprocess
    seed: int = 0
    optimiser: Optimiser = Optimiser()
    discriminator: Optimiser = Optimiser('adamw', 1e-4, 1.0, 0.0, betas=(0.9, 0.99))
    schedule: Schedule = Schedule()

"""Runs streams by methods by seeds. What is finished is kept, so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bundle import Bundle
from ..config import to_mapping
from ..runtime.engine import Engine
from ..storage.whole_file import write_whole
from .clock import PACE, Pace
from .drives import Material
from .footage import Footage, make_footage
from .harness import Judge, run
from .methods import Choice, Setting
from .methods.oracle import best_of
from .program_text import PACKAGE, text_digest
from .signals import against_frozen
from .table import Stream
from .trace import Trace

OWN = ('harness', 'trace', 'signals', 'footage')  # what every result depends on, with all that they import


@dataclass(frozen=True)
class Plan:
    """What to run. bundles: by name, one a source seed. frames: of every stream, None for its own length.

    size: (height, width) of the network's input, None for the bundle's. seeds: number of adaptation seeds. tune: the weather
    families for tuning instead of those for the test. folder: where frames and traces are kept.
    """

    streams: tuple[Stream, ...]
    methods: tuple[Choice, ...]
    bundles: dict[str, Bundle]
    material: Material
    folder: Path
    frames: int | None = None
    size: tuple[int, int] | None = None
    seeds: int = 1
    tune: bool = False
    pace: Pace = PACE
    device: str = 'cpu'


@dataclass(frozen=True, eq=False)
class Run:
    """One method on one stream with one bundle and one seed."""

    stream: Stream
    method: str
    bundle: str
    seed: int
    footage: Footage
    trace: Trace
    frozen: Trace


class Stage:
    """A stream with a bundle: its frames, and the frozen network's masks and trace, which all methods share."""

    def __init__(self, plan: Plan, stream: Stream, name: str) -> None:
        self._plan, self.stream, self.name, self.bundle = plan, stream, name, plan.bundles[name]
        self._parts = stream.parts(plan.frames, tune=plan.tune)
        self._digest = digest_of(self.bundle)
        self._input = Engine(self.bundle, device='cpu', size=plan.size).network_size(360, 640)
        self.footage = self._footage(other=False)
        self._judge = Judge(self.bundle.labels, plan.material.labels)

    def _footage(self, other: bool) -> Footage:
        return make_footage(self._parts, self._plan.material, self._input, self._plan.folder, other=other)

    def path(self, choice: Choice, seed: int, suffix: str = '.npz') -> Path:
        """Where the trace of a method is kept; the name changes with all that it depends on."""
        said = [self._digest, self.footage.key, choice.name, to_mapping(choice.config), seed, to_mapping(self._plan.pace),
                self._plan.size, self._plan.device, source_digest(choice)]
        key = hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:16]
        return self._plan.folder / f'trace_{key}{suffix}'

    def trace(self, choice: Choice, seed: int, masks: Path, progress: Callable) -> Trace:
        """The kept trace, or a new one. masks: of the frozen network, written by its own run."""
        path = self.path(choice, seed)
        if path.exists():
            return Trace.load(path)
        setting = Setting(self.bundle, self._plan.size, self._plan.device, seed, self._plan.pace,
                          self._footage(other=True) if choice.entry.elsewhere else None)
        frozen = np.load(masks, mmap_mode='r')
        trace = run(choice.make(setting), self.footage, self._judge, self._plan.pace, progress=progress,
                    seen=lambda index, mask: against_frozen(mask, frozen[index], self.bundle.labels.num_classes))
        trace.save(path)
        return trace

    def frozen(self, choice: Choice, progress: Callable) -> tuple[Trace, Path]:
        """The trace of the frozen network, and the file of its masks."""
        path, masks = self.path(choice, 0), self.path(choice, 0, '.masks.npy')
        if path.exists() and masks.exists():
            return Trace.load(path), masks
        kept: list[np.ndarray] = []

        def keep(index: int, mask: np.ndarray) -> dict[str, float]:
            kept.append(mask)
            return {}
        trace = run(choice.make(Setting(self.bundle, self._plan.size, self._plan.device)), self.footage, self._judge,
                    self._plan.pace, progress=progress, seen=keep)
        write_whole(masks, lambda draft: np.save(draft, np.stack(kept)))
        trace.save(path)
        return trace, masks


def execute(plan: Plan, frozen: Choice, progress: Callable[[str, int], Callable]) -> Iterator[Run]:
    """Every run, as soon as it is there; frozen's own come first on each stream.

    progress: (what is run, frames) -> what wraps the frame numbers.
    """
    for stream in plan.streams:
        for name in plan.bundles:
            stage = Stage(plan, stream, name)
            told = f'{stream.name} {name} ' if len(plan.bundles) > 1 else f'{stream.name} '
            base, masks = stage.frozen(frozen, progress(told + frozen.name, len(stage.footage)))
            for choice in plan.methods:
                for seed in range(plan.seeds if choice.entry.chance else 1):
                    trace = base
                    if choice.name != frozen.name:
                        trace = stage.trace(choice, seed, masks, progress(told + choice.name, len(stage.footage)))
                    if choice.entry.oracle:
                        trace = best_of(base, trace)
                    yield Run(stream, choice.name, name, seed, stage.footage, trace, base)


def digest_of(bundle: Bundle) -> str:
    """Of all that a result depends on: network, classes, preprocessing, all tensors, replay memory included."""
    said = [to_mapping(bundle.model), bundle.labels.name, bundle.labels.names, to_mapping(bundle.preprocess)]
    digest = hashlib.sha256(json.dumps(said, default=str).encode())
    for tensors in (bundle.tensors, bundle.replay or {}):
        for name in sorted(tensors):
            digest.update(f'{name} {tuple(tensors[name].shape)} {tensors[name].dtype}'.encode())
            digest.update(tensors[name].contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()


def source_digest(choice: Choice) -> str:
    """Of the program text that a method's result depends on."""
    files = [PACKAGE / 'streams' / f'{name}.py' for name in (*OWN, f'methods/{choice.entry.module}')]
    files += sorted((PACKAGE / 'models').rglob('*.py'))  # built by name
    return text_digest(files)

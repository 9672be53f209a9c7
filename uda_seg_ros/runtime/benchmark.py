"""How long each stage from picture to overlay takes, beside the straightforward way in plain torch.

Both ways segment the same pictures, turn by turn, so that other load on the machine hits both.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..bundle import Bundle
from .engine import Engine
from .postprocess import Want
from .render import colorize, overlay

STAGES = ('preprocess', 'network', 'postprocess', 'colour', 'overlay')
WARM_UP = 5  # frames that do not count
ALPHA = 0.5


@dataclass(frozen=True)
class Times:
    """Milliseconds over the frames."""

    median_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Report:
    """engine, plain: Times of each stage and of their total. ratio: medians, plain by engine; above 1 the engine is faster.

    picture, network_input: width x height in pixels. The plain way computes in fp32 on the same device.
    """

    network: str
    picture: str
    network_input: str
    device: str
    precision: str
    threads: int
    frames: int
    engine: dict[str, Times]
    plain: dict[str, Times]
    ratio: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def as_text(self) -> str:
        lines = [f'{self.network}, picture {self.picture}, network input {self.network_input}, {self.device} '
                 f'{self.precision}, {self.threads} thread(s), {self.frames} frames; milliseconds',
                 f'{"":<12}{"median":>9}{"p95":>9}{"p99":>9}{"plain torch":>14}{"ratio":>8}']
        lines += [f'{stage:<12}{times.median_ms:>9.2f}{times.p95_ms:>9.2f}{times.p99_ms:>9.2f}'
                  f'{self.plain[stage].median_ms:>14.2f}{self.ratio[stage]:>8.1f}' for stage, times in self.engine.items()]
        return '\n'.join(lines)


class Watch:
    """Milliseconds of each stage, frame by frame."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.rows: list[list[float]] = []

    def run(self, *stages: Callable[[Any], Any]) -> Any:
        """Call each stage with the result of the one before, and note the times."""
        value, row = None, []
        for stage in stages:
            start = time.perf_counter()
            value = stage(value)
            if self._device.type == 'cuda':
                torch.cuda.synchronize(self._device)
            row.append((time.perf_counter() - start) * 1e3)
        self.rows.append(row)
        return value

    def times(self) -> dict[str, Times]:
        rows = np.array(self.rows[WARM_UP:])
        columns = np.column_stack([rows, rows.sum(axis=1)])
        return {stage: Times(*np.percentile(column, (50, 95, 99)).tolist())
                for stage, column in zip((*STAGES, 'total'), columns.T)}


def benchmark(bundle: Bundle, *, size: tuple[int, int] = (480, 640), frames: int = 100, device: str = 'auto',
              half: bool = False, threads: int = 1) -> Report:
    """Time `frames` pictures of `size` (height, width). Raises EngineError if the device is not there."""
    engine = Engine(bundle, device=device, half=half, threads=threads)
    inner = engine.network_size(*size)
    plain = PlainTorch(bundle, engine.device, inner)
    pictures = [np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8) for seed in range(4)]
    ours, theirs = Watch(engine.device), Watch(engine.device)
    color, mixed = np.empty_like(pictures[0]), np.empty_like(pictures[0])
    with torch.inference_mode():
        for number in range(WARM_UP + frames):
            picture = pictures[number % len(pictures)]
            ours.run(*_engine_stages(engine, picture, inner, color, mixed))
            theirs.run(*plain.stages(picture))
    fast, slow = ours.times(), theirs.times()
    return Report(bundle.model.name, f'{size[1]}x{size[0]}', f'{inner[1]}x{inner[0]}', str(engine.device), engine.precision,
                  threads, frames, fast, slow, {stage: slow[stage].median_ms / fast[stage].median_ms for stage in fast})


def _engine_stages(engine: Engine, picture: np.ndarray, inner: tuple[int, int], color: np.ndarray,
                   mixed: np.ndarray) -> list[Callable[[Any], Any]]:
    palette = engine.labels.palette()
    preprocess, network, postprocess = engine.stages()
    return [lambda _: preprocess([picture], inner),
            network,
            lambda logits: postprocess(logits[0], picture.shape[:2], Want()).mask,
            lambda mask: colorize(mask, palette, out=color),
            lambda colors: overlay(picture, colors, ALPHA, out=mixed)]


class PlainTorch:
    """What a straightforward script does: eager, contiguous, every step in floating point at full size."""

    def __init__(self, bundle: Bundle, device: torch.device, inner: tuple[int, int]) -> None:
        self._network = bundle.network().requires_grad_(False).to(device)
        self._device, self._inner = device, inner
        self._palette = bundle.labels.palette()
        self._mean, self._std = (torch.tensor(values, device=device).view(1, 3, 1, 1)
                                 for values in (bundle.preprocess.mean, bundle.preprocess.std))

    def stages(self, picture: np.ndarray) -> list[Callable[[Any], Any]]:
        return [lambda _: self._preprocess(picture), self._network,
                lambda logits: self._postprocess(logits, picture.shape[:2]),
                lambda mask: self._palette[mask],
                lambda color: (picture * (1 - ALPHA) + color * ALPHA).astype(np.uint8)]

    def _preprocess(self, picture: np.ndarray) -> torch.Tensor:
        image = torch.from_numpy(picture).to(self._device).permute(2, 0, 1)[None].contiguous().float() / 255
        return (functional.interpolate(image, self._inner, mode='bilinear', align_corners=False) - self._mean) / self._std

    def _postprocess(self, logits: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
        full = functional.interpolate(logits, size, mode='bilinear', align_corners=False)
        return full.argmax(1)[0].cpu().numpy()

"""What is to be evaluated, checked as a whole before the first frame."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..bundle import WEIGHTS, Bundle, Manifest, read_manifest
from ..labels import LABEL_SPACES, LabelSpace
from ..online.factory import Factory, read_settings
from ..recordings.cameras import LABEL_TOPIC
from ..runtime.engine import Engine, choose_device
from . import EvaluationError
from .drive import Cut, Drive, look_into
from .judge import Judge
from .label_sources import LabelFiles

RERUN_MISSING = "--rerun needs the package rerun-sdk: pip install rerun-sdk"


@dataclass(frozen=True, eq=False)
class Plan:
    """adapter: None where nothing adapts. labels: the classes of the labels. labelled: whether there are any."""

    drive: Drive
    manifest: Manifest
    bundle: Bundle
    labels: LabelSpace
    labelled: bool
    judge: Judge
    adapter: Any
    device: str

    def engine(self, threads: int) -> Engine:
        return Engine(self.bundle, device=self.device, threads=threads)


def plan_of(options: argparse.Namespace) -> Plan:
    """Raises EvaluationError, BagError, BundleError, ConfigError, AdaptationError or EngineError, with one line."""
    _check_outputs(options)
    device = str(choose_device(options.device))
    manifest, bundle = read_manifest(options.bundle), Bundle.load(options.bundle)
    labels = LABEL_SPACES[options.label_space] if options.label_space else bundle.labels
    files = LabelFiles(options.labels, labels) if options.labels else None
    parts = [look_into(path, options.image_topic, options.label_topic) for path in options.bags]
    if files is not None:  # a label topic that is there as well is not read
        parts = [replace(part, label_topic='') for part in parts]
    labelled = files is not None or any(part.label_topic for part in parts)
    _check_limits(options, labelled)
    adapter = None
    if options.adapt:
        factory = Factory(options.bundle, options.method, _settings(options), options.seed, device,
                          serves=manifest.digests[WEIGHTS])
        factory.check()
        adapter = factory.adapter(bundle)
    cut = Cut(options.start, options.duration, options.stride)
    return Plan(Drive(parts, cut, files), manifest, bundle, labels, labelled, Judge(bundle.labels, labels), adapter, device)


def _settings(options: argparse.Namespace) -> Mapping[str, Any]:
    return read_settings(options.settings) if options.settings else {}


def _check_limits(options: argparse.Namespace, labelled: bool) -> None:
    for name, value in (('--min-miou', options.min_miou), ('--max-regret', options.max_regret)):
        if value is not None and not labelled:
            raise EvaluationError(f'{name} needs labels: --label-topic (or {LABEL_TOPIC} in the bag) or --labels')
    if options.max_regret is not None and not options.adapt:
        raise EvaluationError('--max-regret compares with the frozen network and needs --adapt')
    if options.settings and not options.adapt:
        raise EvaluationError('--settings are the adapter\'s and need --adapt')
    if options.duration == 0:
        raise EvaluationError('--duration must be above 0')


def _check_outputs(options: argparse.Namespace) -> None:
    """Folders that can be written, and none that holds anything."""
    if options.rerun and find_spec('rerun') is None:
        raise EvaluationError(RERUN_MISSING)
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise EvaluationError(f'{options.out}: is not an empty folder; choose another with --out')
    bag: Path | None = options.write_bag
    if bag is not None and bag.resolve() == options.out.resolve():
        raise EvaluationError(f'{bag}: --write-bag needs a folder of its own, such as {bag / "masks"}')
    if bag is not None and bag.exists():
        raise EvaluationError(f'{bag}: exists already; choose another folder with --write-bag')

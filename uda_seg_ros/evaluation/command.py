"""uda_seg evaluate-bag: a recorded drive evaluated, as files and as a page."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import resource
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ..provenance import commit, describe_bundle, versions
from ..storage.whole_file import write_text
from .clock import Realtime, Sequential
from .film import Film
from .interrupt import EXIT_CODE, Interruptible
from .learners import Beside, Interleaved, Learner, NoLearner
from .line import FILE, Lines, plain
from .masks_bag import MasksBag
from .moments import Moments, galleries
from .networks import ShiftMeter
from .page import PLOTLY_MISSING, PlotsMissing
from .plan import Plan, plan_of
from .record import Record, read
from .remake import PAGE, SUMMARY, VIDEO, keep, remake
from .run import Run, Sink
from .summary import figures
from .verdict import failures, verdict

RERUN = 'drive.rrd'
GPU_DUTY, CPU_DUTY = 0.25, 1.0  # the node's own defaults


def run(options: argparse.Namespace) -> int:
    """Evaluate, write, tell. Returns 0, 1 where a limit is not kept, or 130 after Ctrl-C."""
    plan = plan_of(options)
    if find_spec('plotly') is None:
        print(f'evaluate_bag: there will be no {PAGE}: {PLOTLY_MISSING}', file=sys.stderr)
    options.out.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    stop = Interruptible()
    adapts = plan.adapter is not None
    shown = Moments(galleries(adapts, plan.labelled), plan.bundle.labels, plan.judge.space, adapts)
    runner = _runner(plan, options)
    with _closed(_sinks(plan, options, shown, notes)) as sinks, _bar(plan) as bar:
        runner(stop(plan.drive.shots(bar.update)), sinks)
    if stop.asked:
        notes.append('Stopped by hand. What comes before was evaluated.')
    record = read(options.out / FILE, plan.judge.space.num_classes)
    summary = _summary(plan, options, record, runner, notes)
    write_text(options.out / SUMMARY, json.dumps(plain(summary), indent=1, allow_nan=False))
    keep(options.out, shown.galleries, plan.bundle.labels, plan.judge.space)
    _tell(summary, _write_page(options.out) or options.out / SUMMARY)
    return EXIT_CODE if stop.asked else 1 if summary['failures'] else 0


def _runner(plan: Plan, options: argparse.Namespace) -> Run:
    served, frozen = plan.engine(options.threads), None
    if plan.adapter is not None:
        frozen = plan.engine(options.threads)
    realtime = options.mode == 'realtime'
    return Run(served, frozen, _learner(plan, options), Realtime() if realtime else Sequential(), plan.judge,
               ShiftMeter(plan.bundle, served))


def _learner(plan: Plan, options: argparse.Namespace) -> Learner:
    if plan.adapter is None:
        return NoLearner()
    if options.mode == 'realtime':
        return Beside(plan.adapter, GPU_DUTY if plan.device.startswith('cuda') else CPU_DUTY)
    return Interleaved(plan.adapter, options.pieces)


def _sinks(plan: Plan, options: argparse.Namespace, shown: Moments, notes: list[str]) -> Iterator[Sink]:
    adapts = plan.adapter is not None
    yield Lines(options.out / FILE, adapts)
    yield shown
    if not options.no_video:
        yield Film(options.out / VIDEO, plan.bundle.labels, adapts, notes.append)
    if options.write_bag is not None:
        yield MasksBag(options.write_bag, plan.bundle.labels)
    if options.rerun:
        from .rerun_log import RerunLog
        yield RerunLog(options.out / RERUN, plan.bundle.labels)


@contextlib.contextmanager
def _closed(sinks: Iterator[Sink]) -> Iterator[list[Sink]]:
    """All of them are closed, whatever happens: what was seen until then is kept."""
    with contextlib.ExitStack() as stack:
        opened = []
        for sink in sinks:
            stack.callback(sink.close)
            opened.append(sink)
        yield opened


def _bar(plan: Plan) -> tqdm:
    return tqdm(total=plan.drive.num_pictures or None, unit=' frames', disable=None, desc='evaluating')


def _summary(plan: Plan, options: argparse.Namespace, record: Record, runner: Run, notes: list[str]) -> dict[str, Any]:
    drive, found = plan.drive, figures(record, plan.judge.space, plan.bundle.labels)
    failed = failures(found, options.min_miou, options.max_regret)
    return {'verdict': verdict(found, plan.adapter is not None, camera_ms(record, options.stride)), 'failures': failed,
            **found, 'labels_without_frame': drive.counts['labels_without_frame'],
            'frames_without_label': len(record) - len(record.labelled) if plan.labelled else None,
            'repeated_stamps': drive.counts['repeated'], **{name: runner.counts[name] for name in (
                'undecodable', 'undecodable_labels', 'void_labels')},
            'notes': [*_broken(plan), *_too_late(plan, record), *_unmoved(plan, record), *runner.complaints.values(),
                      *notes],
            'bag_hash': drive.digest,
            'peak_memory_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            'peak_gpu_mb': torch.cuda.max_memory_allocated() / 2**20 if plan.device.startswith('cuda') else None,
            'bags': [{'path': str(part.path), 'image_topic': part.topic, 'label_topic': part.label_topic or None,
                      'frames': part.num_pictures} for part in drive.parts],
            'bundle': describe_bundle(plan.manifest, str(options.bundle)), 'settings': _settings(plan, options),
            'versions': {**versions(), 'commit': commit()}}


def _broken(plan: Plan) -> list[str]:
    return [f'{text} What comes before was evaluated.' if text.endswith('.') else f'{text}. What comes before was evaluated.'
            for text in plan.drive.breaks]


def _too_late(plan: Plan, record: Record) -> list[str]:
    start_s, length_s = plan.drive.cut.start_s, plan.drive.length_s
    if len(record) or start_s <= length_s:
        return []
    return [f'The drive is {length_s:.1f} s long, and --start is {start_s:g} s.']


def _unmoved(plan: Plan, record: Record) -> list[str]:
    """Why an adapter changed nothing, as it says itself."""
    if plan.adapter is None or record.version.any():
        return []
    return [f'The adapter never changed the weights; at the end it says: {plan.adapter.status.why}']


def _settings(plan: Plan, options: argparse.Namespace) -> dict[str, Any]:
    return {'adaptation': options.method if options.adapt else 'off', 'mode': options.mode, 'seed': options.seed,
            **({'pieces of work after a frame': options.pieces} if options.adapt and options.mode == 'sequential' else {}),
            'start': f'{options.start:g} s', 'stride': options.stride, 'device': plan.device,
            'duration': 'all' if math.isinf(options.duration) else f'{options.duration:g} s',
            'labels': plan.labels.name if plan.labelled else 'none', 'labels from': _label_source(plan, options),
            'compared in': plan.judge.space.name if plan.labelled else 'none', 'threads': options.threads,
            'settings of the adapter': str(options.settings or 'its own')}


def _label_source(plan: Plan, options: argparse.Namespace) -> str:
    topics = sorted({part.label_topic for part in plan.drive.parts} - {''})
    return str(options.labels) if options.labels else ', '.join(topics) or 'none'


def camera_ms(record: Record, stride: int) -> float | None:
    """From one picture of the camera to the next, the median."""
    times = np.sort(np.concatenate([record.time_s, record.dropped_s]))
    return 1000 * float(np.median(np.diff(times))) / stride if len(times) > 1 else None


def _write_page(folder: Path) -> Path | None:
    try:
        return remake(folder)
    except PlotsMissing as error:
        print(f'evaluate_bag: {PAGE} was not written: {error}; then: uda_seg remake-report {folder}', file=sys.stderr)
        return None


def _tell(summary: dict[str, Any], look: Path) -> None:
    print(summary['verdict'])
    for note in summary['notes']:
        print(f'Note: {note}')
    for failure in summary['failures']:
        print(f'evaluate_bag: failed: {failure}', file=sys.stderr)
    print(f'Look at {look}')

"""uda_seg bench-streams: the benchmark of online adaptation."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch
from tqdm import tqdm

from ..bundle import Bundle, default_bundle
from ..report.into import find_place, put_between
from ..runtime.engine import choose_device
from ..storage.cache_folder import cache_folder
from ..storage.whole_file import write_text
from .ablation import METHODS as PARTS
from .bench import Plan, Run, execute
from .clock import PACE
from .drives import open_material
from .errors import StreamError
from .markdown import ablation, caption, whole
from .methods import METHODS, choose
from .picture import picture
from .results import as_text, overall, rows, signals
from .table import STREAMS, find_stream

SMOKE_STREAMS, SMOKE_FRAMES, SMOKE_SIZE = 'A,B,C,D,E,F,G,H,K', 160, (192, 320)
SMOKE_METHODS = 'frozen,batchnorm_0.5,tent_1e-4,ours'


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; prints the table, and writes JSON and page where asked. Returns the exit code."""
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    options.bundle = options.bundle or [default_bundle()]
    if options.into:
        options.into = Path(options.into[0]), f'bench-streams {options.into[1]}'
        find_place(*options.into)
    plan = plan_of(options)
    runs = list(execute(plan, choose('frozen'), Progress(plan)))
    found = rows(runs)
    print(as_text(found))
    if options.json:
        write_text(options.json, json.dumps(document(plan, runs, found, options), indent=1))
        print(f'figures: {options.json}')
    show(runs, found, settings_of(plan, options), options)
    return 0


def show(runs: list[Run], found: list[dict[str, Any]], settings: dict[str, Any], options: argparse.Namespace) -> None:
    """Page, picture and tables, where asked."""
    if options.html:
        from .page import render
        write_text(options.html, render(found, runs, signals(runs), settings))
        print(f'page: {options.html}')
    if options.picture:
        write_text(options.picture, picture(runs))
        print(f'curves: {options.picture}')
    if options.into:
        tables = ablation(found) if options.ablation else whole(found, signals(runs))
        put_between(*options.into, f'{caption(settings, found)}\n\n{tables}')
        print(f'tables: {options.into[0]}')


def plan_of(options: argparse.Namespace) -> Plan:
    """Everything that can be wrong with the options is found here, before the first frame."""
    names = options.streams or (SMOKE_STREAMS if options.smoke else ','.join(STREAMS))
    methods = options.methods or (','.join(PARTS) if options.ablation else SMOKE_METHODS if options.smoke
                                  else ','.join(METHODS))
    bundles = {f'bundle {place}' if len(options.bundle) > 1 else folder.name: Bundle.load(folder)
               for place, folder in enumerate(options.bundle)}
    plan = Plan(streams=tuple(map(find_stream, words(names))), methods=tuple(map(choose, words(methods))),
                bundles=bundles, material=open_material(options.data), folder=options.keep or cache_folder() / 'streams',
                frames=options.frames or (SMOKE_FRAMES if options.smoke else None),
                size=options.size or (SMOKE_SIZE if options.smoke else None), seeds=options.seeds, tune=options.tune,
                pace=replace(PACE, forwards=options.forwards, background=options.background), device=options.device)
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    for stream in plan.streams:
        stream.parts(plan.frames, tune=plan.tune)
    choose_device(plan.device)
    needy = [choice.name for choice in plan.methods if choice.entry.replay]
    for name, bundle in plan.bundles.items():
        if needy and bundle.replay is None:
            raise StreamError(f'{name}: carries no replay memory, which {", ".join(needy)} need; export it with source '
                              'data, or leave them out by --methods')


def words(text: str) -> list[str]:
    """The parts of a comma-separated list, each once."""
    return list(dict.fromkeys(word.strip() for word in text.split(',') if word.strip()))


def document(plan: Plan, runs: list[Run], found: list[dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    """What the JSON file holds."""
    return {'settings': settings_of(plan, options), 'rows': found, 'overall': overall(found), 'signals': signals(runs),
            'events': [{'stream': each.stream.name, 'method': each.method, 'bundle': each.bundle, 'seed': each.seed,
                        **vars(happening)} for each in runs for happening in each.trace.happenings]}


def settings_of(plan: Plan, options: argparse.Namespace) -> dict[str, Any]:
    return {'data': options.data, 'bundles': [str(folder) for folder in options.bundle], 'frames': plan.frames or 'full',
            'network_input': 'x'.join(map(str, plan.size[::-1])) if plan.size else "the bundle's", 'seeds': plan.seeds,
            'families': 'tune' if plan.tune else 'test', 'forwards_per_frame': plan.pace.forwards,
            'background_forwards_per_frame': plan.pace.background, 'device': plan.device}


class Progress:
    """One bar over all frames of all runs, with the time left."""

    def __init__(self, plan: Plan) -> None:
        lengths = [sum(part.frames for part in stream.parts(plan.frames, tune=plan.tune)) for stream in plan.streams]
        each = sum(plan.seeds if choice.entry.chance else 1 for choice in plan.methods if choice.name != 'frozen')
        frames = sum(lengths) * len(plan.bundles) * (1 + each)
        self._bar = tqdm(total=frames, unit=' frames', disable=None)
        self._announced = self._run = 0

    def __call__(self, told: str, frames: int) -> Callable[[Iterable[int]], Iterable[int]]:
        """Runs that were kept, which are announced and never wrapped, do not count."""
        begin, self._announced = self._announced, self._announced + frames

        def wrap(numbers: Iterable[int]) -> Iterable[int]:
            self._bar.set_description(told)
            if not self._bar.disable:
                self._bar.total -= begin - self._run
            self._run = begin + frames
            for number in numbers:
                yield number
                self._bar.update()
        return wrap

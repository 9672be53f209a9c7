"""Train every method of a suite with several seeds, and write the table of what came out.

DIR gets table.json, table.md, table.csv, table.png and runs/METHOD/seed_N, one complete run each. What is finished is not
trained again; a training that was stopped goes on with --resume. On a GPU the calls can be chained:
--only METHOD --seed N --resume.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from uda_seg_ros.config import ConfigError, nearest

from .run import RESULT, CompareError, default_workers, finished, train_all, train_one
from .suite import SUITES, Suite, load_suite, run_folder
from .table import Result, comma_separated, markdown, rows

DEFAULT = SUITES / 'town_a_to_town_b.yaml'


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    options.out = options.out.absolute()
    try:
        suite = load_suite(options.suite, options.smoke)
        jobs = _jobs(suite, options)
        if options.seed is not None and len(options.only) == 1:
            for method, seed in jobs:
                train_one(suite, method, seed, options.out, options.device, options.resume, _say)
        elif jobs:
            _say(f'{suite.title}: {len(jobs)} trainings')
            train_all(suite, jobs, options.out, options.jobs or default_workers(options.device), _again(options), _say)
        write(suite, finished(suite, options.out), options.out)
    except (ConfigError, CompareError, ValueError, RuntimeError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m offline compare', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('suite', type=Path, nargs='?', default=DEFAULT, metavar='SUITE.yaml',
                        help=f'default: {DEFAULT.name}')
    parser.add_argument('--out', type=Path, required=True, help='folder for the runs and the table')
    parser.add_argument('--smoke', action='store_true', help="the suite's short form: 25 minutes on two cores")
    parser.add_argument('--only', action='append', default=[], metavar='METHOD', help='this method and what it needs')
    parser.add_argument('--seed', type=int, help='one seed instead of those of the suite')
    parser.add_argument('--resume', action='store_true', help='go on with trainings that were stopped')
    parser.add_argument('--device', help='cpu, cuda or cuda:N; default: CUDA if there is one')
    parser.add_argument('--jobs', type=int, help='trainings at a time; default: one a core, one on a GPU')
    return parser


def _jobs(suite: Suite, options: argparse.Namespace) -> list[tuple[str, int]]:
    """The trainings still to do, seed by seed, each method after those it needs."""
    for name in options.only:
        if name not in suite.methods:
            raise ConfigError(f'--only: no method {name!r} in {options.suite}{nearest(name, suite.methods)}; '
                              f'known: {", ".join(suite.methods)}')
    seeds = suite.seeds if options.seed is None else (options.seed,)
    methods = suite.in_order(options.only or tuple(suite.methods))
    return [(method, seed) for seed in seeds for method in methods
            if not (run_folder(options.out / 'runs', method, seed) / RESULT).exists()]


def _again(options: argparse.Namespace) -> list[str]:
    """The command of one training of this suite."""
    command = ['compare', str(options.suite), '--out', str(options.out), '--resume']
    command += ['--smoke'] * options.smoke
    return [*command, '--device', options.device] if options.device else command


def write(suite: Suite, results: Sequence[Result], out: Path) -> None:
    """table.json, .md, .csv and .png, each whole, and the table on the screen."""
    table = rows(suite, results)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (('table.json', json.dumps([asdict(row) for row in table], indent=1)),
                       ('table.md', markdown(table)), ('table.csv', comma_separated(table))):
        draft = out / f'.{os.getpid()}.{name}'
        draft.write_text(text, encoding='utf-8')
        os.replace(draft, out / name)
    try:
        from .plot import plot
        plot(suite, table, results, out / 'table.png')
    except ImportError:
        _say("no picture of the table: matplotlib is missing; 'source scripts/ros_env.sh train' installs it")
    _say(f'\n{suite.title}\n\n{markdown(table)}\n{out / "table.md"}')


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == '__main__':
    sys.exit(main())

"""Train every method of a suite with several seeds, and write the table of what came out.

DIR gets table.json, table.md, table.csv, table.png and runs/METHOD/seed_N, one complete run each, with all it printed in
output.txt. What is finished is not trained again; what was stopped or killed goes on with --resume.

Where calls must be short, as on a borrowed GPU, they can be chained. Each trains one method with one seed, after whatever
that method starts from, and may end at any moment:

    timeout 480 python -m offline compare SUITE.yaml --out DIR --only duda --seed 0 --resume

Repeat a call until it ends by itself, then take the next method or seed. The table holds what is finished so far.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from uda_seg_ros.config import ConfigError, nearest

from ..errors import told
from .into import put_into
from .jobs import default_workers, train_all
from .output import write
from .progress import Job, named
from .run import RESULT, CompareError, begun, finished, planned, train_one
from .suite import SUITES, Suite, load_suite, run_folder
from .table import caption, markdown, rows

DEFAULT = SUITES / 'town_a_to_town_b.yaml'


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return told(lambda: _compare(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m offline compare', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('suite', type=Path, nargs='?', default=DEFAULT, metavar='SUITE.yaml',
                        help=f'default: {DEFAULT.name}')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder for the runs and the table')
    parser.add_argument('--data', type=Path, metavar='FOLDER',
                        help='where the data and weights of the suite are (default: $UDA_SEG_DATA)')
    parser.add_argument('--smoke', action='store_true', help="the suite's short form")
    parser.add_argument('--only', action='append', default=[], metavar='METHOD', help='this method and what it needs')
    parser.add_argument('--seed', type=int, help='one seed instead of those of the suite')
    parser.add_argument('--resume', action='store_true', help='go on with trainings that were stopped')
    parser.add_argument('--device', help='cpu, cuda or cuda:N; default: CUDA if there is one')
    parser.add_argument('--into', type=Path, metavar='PAGE.md',
                        help='also put the table into a page, between <!-- compare SUITE --> and <!-- end -->')
    parser.add_argument('--jobs', type=int, help='trainings at a time; default: one a core, one on a GPU')
    return parser


def _compare(options: argparse.Namespace) -> None:
    if options.jobs is not None and options.jobs < 1:
        raise ConfigError(f'--jobs: at least one training at a time, got {options.jobs}')
    suite = load_suite(options.suite, options.smoke, options.data)
    finished(suite, options.out)  # what is wrong with them is better told now than after hours
    jobs = _jobs(suite, options)
    try:
        if options.seed is not None and len(options.only) == 1:
            for method, seed in jobs:
                train_one(suite, method, seed, options.out, options.device, options.resume, _say)
        elif jobs:
            _say(f'{suite.title}: {len(jobs)} trainings')
            train_all(suite, jobs, options.out, workers=options.jobs or default_workers(options.device),
                      device=options.device, resume=options.resume, report=_say)
    finally:
        results = finished(suite, options.out)
        if results:
            write(suite, results, options.out, _say)
            if options.into:
                put_into(options.into, options.suite.stem, caption(suite, options.smoke) + markdown(rows(suite, results)))


def _jobs(suite: Suite, options: argparse.Namespace) -> list[Job]:
    """The trainings still to do, seed by seed, each method after those it needs; their recipes are checked."""
    for name in options.only:
        if name not in suite.methods:
            raise ConfigError(f'--only: no method {name!r} in {options.suite}{nearest(name, suite.methods)}; '
                              f'known: {", ".join(suite.methods)}')
    seeds = suite.seeds if options.seed is None else (options.seed,)
    methods = suite.in_order(options.only or tuple(suite.methods))
    jobs = [(method, seed) for seed in seeds for method in methods
            if not (run_folder(options.out / 'runs', method, seed) / RESULT).exists()]
    for job in jobs:
        planned(suite, *job, options.out)
        if begun(options.out, *job) and not options.resume:
            raise CompareError(f'{options.out}: {named(job)} was begun and not finished; add --resume to go on with it, or '
                               'choose another --out')
    return jobs


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == '__main__':
    sys.exit(main())

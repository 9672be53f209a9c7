"""Make the bundle of a run's student, with what the vehicle needs of the source, and prove it on the engine."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from uda_seg_ros.bundle import Bundle, BundleError
from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.models import SegmentationModel, build
from uda_seg_ros.procedural import drive

from ..data_spec import parse
from ..datasets import Dataset, open_dataset
from ..errors import told
from ..evaluate import score
from ..evaluate.named_data import named, open_own
from ..load_bundle import is_run, load_bundle
from ..provenance import commit
from ..training.run_folder import RunFolder
from .parity import LEAST, agreement
from .replay import Pictures, spread
from .source_memory import Amounts, source_memory

NUM_SAMPLES = 8  # pictures of the parity check


class ExportError(ValueError):
    """Nothing was exported. The text says why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 1 after one line that says what went wrong."""
    options = _parser().parse_args(arguments)
    return told(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Everything that can be wrong with the options is found before the source is read."""
    if options.out.exists():
        raise BundleError(f'{options.out}: exists already; remove it or choose another folder')
    bundle, network = load_bundle(options.source), trained_network(options.source)
    check_writable(options.out.absolute().parent)
    amounts = Amounts(options.replay or 1, options.gate_crops, options.replay_mb, options.statistics, options.seed)
    source, gate = ([open_dataset(spec, bundle.labels, split, where) for spec in specs] for specs, split, where in (
        (source_specs(options), 'train', '--data'), (options.gate, 'val', '--gate')))
    for dataset in (*source, *gate):
        dataset.check_labels()
    scored = {name: open_own(spec, where='--evaluate') for name, spec in named(options.evaluate, '--evaluate').items()}
    if source or not options.replay:
        replay = source_memory(bundle, source, gate, amounts, device=options.device) if source else None
        bundle = dataclasses.replace(bundle, replay=replay)
    scores = {name: score(bundle, dataset, device=options.device, title=name).as_dict() for name, dataset in scored.items()}
    bundle = dataclasses.replace(bundle, provenance={**bundle.provenance, **provenance(options, scores)})
    share = write_proven(bundle, network, samples(source), options.out, options.device)
    print(f'The engine gives {100 * share:.3f} % of the pixels the class that the trained network gives.')
    print(f'bundle written to {options.out}')


def check_writable(folder: Path) -> None:
    """Make the folder where it is missing. Raises BundleError if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BundleError(f'{folder}: cannot be written: {error.strerror or error}; choose another --out') from error


def write_proven(bundle: Bundle, network: SegmentationModel, images: Iterable[np.ndarray], out: Path,
                 device: str = 'auto') -> float:
    """Write the bundle beside `out`, load it anew, compare it with the network, and only then give it its name.

    network: as it was trained. Returns the share of equal pixels. Raises ExportError below LEAST, and BundleError.
    """
    out = out.absolute()
    draft = Path(tempfile.mkdtemp(prefix=f'.{out.name}.', dir=out.parent))
    try:
        bundle.save(draft / 'bundle')
        share = agreement(network, Bundle.load(draft / 'bundle'), images, device)
        if share < LEAST:
            raise ExportError(f'{out}: not written: the engine gives only {100 * share:.2f} % of the pixels the class that '
                              f'the trained network gives ({100 * LEAST:.1f} % are needed): the bundle is not this network')
        os.rename(draft / 'bundle', out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return share


def trained_network(folder: Path) -> SegmentationModel:
    """The network whose masks the bundle must give: a run's student, made from its own tensors; or a bundle's."""
    if not is_run(folder):
        return load_bundle(folder).network()
    run = RunFolder(folder)
    spec = run.network_spec('student', run.stage().number)
    network = build(spec.name, LABEL_SPACES[run.recipe().data.labels].num_classes, **spec.settings)
    network.load_state_dict(run.part('student'))
    return network.eval()


def source_specs(options: argparse.Namespace) -> Sequence[object]:
    """What --data says, else the source of the run's recipe; nothing where no replay is wanted, or of a bundle alone."""
    if not options.replay:
        return ()
    return options.data or (RunFolder(options.source).recipe().data.source if is_run(options.source) else ())


def samples(source: Sequence[Dataset]) -> Iterable[np.ndarray]:
    """Pictures for the parity check: of the source, or of a procedural drive where there is none."""
    pictures = Pictures(tuple(source))
    if not len(pictures):
        return [frame.image for frame in drive('town_a', 0, 'clear', NUM_SAMPLES, fps=0.2)]
    places = (pictures.find(number) for number in spread(len(pictures), NUM_SAMPLES, np.random.default_rng(0)))
    return [dataset.image(index) for dataset, index in places]


def provenance(options: argparse.Namespace, scores: dict[str, dict]) -> dict[str, object]:
    """What export adds to what the bundle or run says of itself."""
    found: dict[str, object] = {'exported_with': commit()}
    if is_run(options.source):
        recipe = RunFolder(options.source).recipe()
        found['stages'] = [f'{stage.name}: {stage.method}, {stage.steps} steps' for stage in recipe.stages]
        found['data'] = {role: list(map(in_words, getattr(recipe.data, role))) for role in ('source', 'target')}
    if specs := source_specs(options):
        found['replay'] = {'source': list(map(in_words, specs)), 'seed': options.seed,
                           'gate': options.gate or 'held out from the replay memory'}
    for key in ('miou_percent', 'iou_percent'):
        if scores:
            found[key] = {name: of_data[key] for name, of_data in scores.items()}
    return found


def in_words(spec: object) -> str:
    """A data spec as the command line takes it."""
    spec = parse(spec)
    options = '&'.join(f'{name}={value}' for name, value in spec.options.items())
    return f'{spec.kind}:{spec.path}' + (f'?{options}' if options else '')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m offline export', description=__doc__)
    parser.add_argument('source', type=Path, metavar='RUN_OR_BUNDLE')
    parser.add_argument('--out', type=Path, required=True, metavar='BUNDLE', help='folder to write; must not exist yet')
    parser.add_argument('--data', action='append', default=[], metavar='SPEC',
                        help="labelled source for the replay memory (default: that of the run's recipe)")
    parser.add_argument('--gate', action='append', default=[], metavar='SPEC',
                        help='labelled source that was not trained on, for gate set and statistics '
                        '(default: every fifth picture of the source, kept out of the replay memory)')
    parser.add_argument('--replay', type=int, default=Amounts.replay, metavar='N', help='crops (default: 256); 0 for none')
    parser.add_argument('--gate-crops', type=int, default=Amounts.gate, metavar='N', help='of the gate set (default: 64)')
    parser.add_argument('--replay-mb', type=float, default=Amounts.megabytes, metavar='M',
                        help='the most megabytes that replay memory and gate set may take (default: 64)')
    parser.add_argument('--statistics', type=int, default=Amounts.statistics, metavar='N',
                        help='pictures to measure for the shift detector (default: 256)')
    parser.add_argument('--evaluate', action='append', default=[], metavar='[NAME=]SPEC',
                        help='labelled data to score on; the scores go into the bundle')
    parser.add_argument('--seed', type=int, default=0, help='of the choice of crops (default: 0)')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default: auto)')
    return parser


if __name__ == '__main__':
    sys.exit(main())

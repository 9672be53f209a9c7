"""Without ROS: uda_seg inspect | infer | evaluate-bag | remake-report | bench | bench-adapt | bench-streams | import-hf."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

from .bundle import default_bundle
from .evaluation.options import add_options as add_evaluation_options


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand. Returns 0, 1 if some pictures could not be read, 2 with one line on stderr for any known error."""
    arguments = _parser().parse_args(argv)
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch: waiting threads must not spin beside other work
    try:
        return arguments.run(arguments)
    except OSError as error:
        return _tell(f'{error.filename}: {error.strerror}' if error.filename else error)
    except (RuntimeError, ValueError) as error:
        if not type(error).__module__.startswith('uda_seg_ros.'):  # only our own errors are written for users
            raise
        return _tell(error)


def command() -> int:
    """The command `uda_seg`: `main`, and the end of the process whatever still runs beside it."""
    from .runtime import beside
    return beside.run(main)


def evaluate_bag() -> int:
    """The command `evaluate_bag`, as `ros2 run` wants it."""
    return main(['evaluate-bag', *sys.argv[1:]])


def _tell(error: object) -> int:
    print(f'uda_seg: error: {error}', file=sys.stderr)
    return 2


def _inspect(arguments: argparse.Namespace) -> int:
    from .description import as_text, describe
    description = describe(arguments.bundle)
    print(json.dumps(description, indent=2, default=str) if arguments.json else as_text(description))
    return 0


def _infer(arguments: argparse.Namespace) -> int:
    from .bundle import Bundle
    from .runtime.engine import Engine
    from .runtime.infer import infer
    from .runtime.pictures import find_pictures
    pictures = find_pictures(arguments.images)
    engine = Engine(Bundle.load(arguments.bundle), device=arguments.device, threshold=arguments.threshold)
    failures = infer(engine, pictures, arguments.out, alpha=arguments.alpha, tell=_tell)
    print(f'{len(pictures) - failures} of {len(pictures)} pictures segmented into {arguments.out}')
    return 1 if failures else 0


def _bench(arguments: argparse.Namespace) -> int:
    from .bundle import Bundle
    from .runtime.benchmark import benchmark
    report = benchmark(Bundle.load(arguments.bundle), size=arguments.size, frames=arguments.frames,
                       device=arguments.device, half=arguments.half, threads=arguments.threads)
    print(json.dumps(report.as_dict()) if arguments.json else report.as_text())
    return 0


def _bench_adapt(arguments: argparse.Namespace) -> int:
    from .online.benchmark import benchmark
    from .online.factory import Factory, read_settings
    from .online.worker import Terms
    from .runtime.engine import choose_device
    from .runtime.pictures import find_pictures, read_picture
    settings = read_settings(arguments.settings) if arguments.settings else {}
    factory = Factory(arguments.bundle, arguments.method, settings, device=str(choose_device(arguments.device)))
    factory.check()
    pictures = [read_picture(path) for path in find_pictures(arguments.images)]
    report = benchmark(factory, pictures, rate_hz=arguments.rate, turn_s=arguments.turn, turns=arguments.turns,
                       backend=arguments.backend, terms=Terms(give_way=arguments.give_way), threads=arguments.threads)
    print(json.dumps(report.as_dict()) if arguments.json else report.as_text())
    return 0


def _bench_streams(arguments: argparse.Namespace) -> int:
    from .streams.command import run
    return run(arguments)


def _evaluate_bag(arguments: argparse.Namespace) -> int:
    from .evaluation.command import run
    return run(arguments)


def _remake_report(arguments: argparse.Namespace) -> int:
    from .evaluation.remake import remake
    print(f'written: {remake(arguments.result)}')
    return 0


def _import_hf(arguments: argparse.Namespace) -> int:
    from .import_hf import import_hf
    print(f'written: {import_hf(arguments.source, arguments.out)}')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='uda_seg', description=__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    inspect = commands.add_parser('inspect', help='verify a bundle and print what it is')
    inspect.add_argument('bundle', nargs='?', type=Path, default=default_bundle(), help='default: the one shipped')
    inspect.add_argument('--json', action='store_true')
    inspect.set_defaults(run=_inspect)

    infer = commands.add_parser('infer', help='segment picture files')
    infer.add_argument('bundle', type=Path)
    infer.add_argument('images', nargs='+', type=Path, help='files, or folders of them')
    infer.add_argument('--out', type=Path, required=True, help='folder for NAME_mask.png, NAME_color.png, NAME_overlay.png')
    infer.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default: auto)')
    infer.add_argument('--threshold', type=_share, default=0.0, help='pixels of less confidence become 255 (default: 0)')
    infer.add_argument('--alpha', type=_share, default=0.5, help='share of colour in the overlay (default: 0.5)')
    infer.set_defaults(run=_infer)

    _add_bench(commands)

    evaluate = commands.add_parser('evaluate-bag', help='a recorded drive evaluated, with or without adaptation')
    add_evaluation_options(evaluate)
    evaluate.set_defaults(run=_evaluate_bag)

    remake = commands.add_parser('remake-report', help='report.html anew from what evaluate-bag wrote')
    remake.add_argument('result', type=Path, metavar='DIR', help='what was --out of evaluate-bag')
    remake.set_defaults(run=_remake_report)

    _add_bench_adapt(commands)
    _add_bench_streams(commands)

    import_hf = commands.add_parser('import-hf', help='make a bundle of a SegFormer checkpoint of Hugging Face')
    import_hf.add_argument('source', help='an id such as owner/name, or a local folder')
    import_hf.add_argument('--out', type=Path, required=True, help='the bundle to write')
    import_hf.set_defaults(run=_import_hf)
    return parser


def _add_bench(commands: argparse._SubParsersAction) -> None:
    bench = commands.add_parser('bench', help='time every stage, beside plain torch')
    bench.add_argument('bundle', nargs='?', type=Path, default=default_bundle(), help='default: the one shipped')
    bench.add_argument('--size', type=size, default=(480, 640), metavar='WxH', help='of the picture (default: 640x480)')
    bench.add_argument('--frames', type=count, default=100)
    bench.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default: auto)')
    bench.add_argument('--half', action='store_true', help='fp16 on CUDA, bf16 on a CPU')
    bench.add_argument('--threads', type=count, default=1)
    bench.add_argument('--json', action='store_true')
    bench.set_defaults(run=_bench)


def _add_bench_adapt(commands: argparse._SubParsersAction) -> None:
    adapt = commands.add_parser('bench-adapt', help='time the camera with a learner beside it, on and off in turns')
    adapt.add_argument('bundle', type=Path)
    adapt.add_argument('images', nargs='+', type=Path, help='what the camera shows: files, or folders of them')
    adapt.add_argument('--rate', type=_positive, default=10.0, help='frames a second (default: 10)')
    adapt.add_argument('--turn', type=_positive, default=10.0, help='seconds of a turn (default: 10)')
    adapt.add_argument('--turns', type=count, default=6, help='of each kind (default: 6)')
    adapt.add_argument('--backend', choices=('auto', 'thread', 'process'), default='auto')
    adapt.add_argument('--give-way', choices=('auto', 'always', 'never'), default='auto',
                       help="whether the learner's process stands still while a frame is segmented (default: auto)")
    adapt.add_argument('--method', default='agoa', help="agoa, or 'module:name' of an adapter (default: agoa)")
    adapt.add_argument('--settings', type=Path, help='YAML file of settings of the method')
    adapt.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default: auto)')
    adapt.add_argument('--threads', type=count, default=1)
    adapt.add_argument('--json', action='store_true')
    adapt.set_defaults(run=_bench_adapt)


def _add_bench_streams(commands: argparse._SubParsersAction) -> None:
    streams = commands.add_parser('bench-streams', help='adaptation against the frozen network on labelled streams')
    streams.add_argument('--streams', default='', metavar='A,B,...', help='default: all, A to K; E:720 is one of 720 frames')
    streams.add_argument('--methods', default='', metavar='M,...',
                         help='default: all; ours-KEY=VALUE and ours-no_KEY change a setting of the adapter')
    streams.add_argument('--data', default='procedural', help='procedural (default) or camvid:PATH')
    streams.add_argument('--bundle', type=Path, action='append', help='default: the one shipped; several: one a source seed')
    streams.add_argument('--smoke', action='store_true', help='few streams and methods, short and small')
    streams.add_argument('--tune', action='store_true', help='the weather families for tuning instead of those for the test')
    streams.add_argument('--seeds', type=count, default=1, help='adaptation seeds of methods that draw numbers (default: 1)')
    streams.add_argument('--frames', type=count, help="of every stream (default: the stream's own length)")
    streams.add_argument('--size', type=size, metavar='WxH', help="of the network's input (default: the bundle's)")
    streams.add_argument('--background', type=count, default=20,
                         help='forward passes that the learner does beside inference from frame to frame (default: 20)')
    streams.add_argument('--forwards', type=count, default=8,
                         help='forward passes that the device does between two frames (default: 8)')
    streams.add_argument('--threads', type=count, default=1)
    streams.add_argument('--device', default='cpu', help='cpu, cuda or cuda:N (default: cpu)')
    streams.add_argument('--keep', type=Path, metavar='FOLDER', help='for frames and finished runs (default: the cache)')
    streams.add_argument('--json', type=Path, metavar='FILE')
    streams.add_argument('--html', type=Path, metavar='FILE')
    streams.add_argument('--picture', type=Path, metavar='FILE', help='the curves of the adapter over all streams, as SVG')
    streams.add_argument('--ablation', action='store_true', help='the adapter minus each of its parts')
    streams.add_argument('--into', nargs=2, metavar=('PAGE', 'NAME'),
                         help='put the tables into a Markdown page, between <!-- bench-streams NAME --> and <!-- end -->')
    streams.set_defaults(run=_bench_streams)


def size(text: str) -> tuple[int, int]:
    """(height, width) of 'WxH'."""
    match = re.fullmatch(r'([1-9]\d{0,4})x([1-9]\d{0,4})', text)
    if match is None:
        raise argparse.ArgumentTypeError(f'{text!r} is not width x height, such as 640x480')
    return int(match[2]), int(match[1])


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number of 1 or more')
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text!r} is not a number above 0')
    return value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 0 to 1')
    return value


if __name__ == '__main__':
    sys.exit(command())

"""A row a network and precision: milliseconds a frame, the ratio to plain eager torch in the same run, swap time, memory."""

from __future__ import annotations

import argparse
import sys
import time

import torch
from tqdm import tqdm

from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.models import NETWORKS, build
from uda_seg_ros.runtime.benchmark import Report, benchmark
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Weights

HEAD = (f'{"network":<22}{"precision":<10}{"median":>8}{"p95":>8}{"p99":>8}{"network":>9}{"post":>7}{"plain":>9}{"ratio":>7}'
        f'{"swap":>7}{"MiB":>7}')
LIGHT = ['fast_scnn', 'segformer_b0']


def random_bundle(name: str, height: int, width: int) -> Bundle:
    """Speed does not depend on the weights: random ones serve."""
    torch.manual_seed(0)
    network = build(name, CITYSCAPES.num_classes)
    return Bundle(ModelSpec(name), CITYSCAPES, Preprocess(height, width, keep_aspect=False), network.state_dict())


def swap_ms(bundle: Bundle, device: str, half: bool) -> float:
    """Median milliseconds of replacing all weights between frames."""
    engine = Engine(bundle, device=device, half=half)
    times = []
    for version in range(1, 8):
        start = time.perf_counter()
        engine.load_weights(Weights(version, bundle.tensors))
        if engine.device.type == 'cuda':
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    engine.close()
    return sorted(times)[len(times) // 2]


def row(report: Report, swap: float, mebibytes: float) -> str:
    total = report.engine['total']
    return (f'{report.network:<22}{report.precision:<10}{total.median_ms:>8.2f}{total.p95_ms:>8.2f}{total.p99_ms:>8.2f}'
            f'{report.engine["network"].median_ms:>9.2f}{report.engine["postprocess"].median_ms:>7.2f}'
            f'{report.plain["total"].median_ms:>9.2f}{report.ratio["total"]:>7.2f}{swap:>7.2f}{mebibytes:>7.0f}')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    cuda = torch.cuda.is_available()
    parser.add_argument('--networks', nargs='+', metavar='NAME', default=list(NETWORKS) if cuda else LIGHT,
                        help='default: all on a GPU, the light ones on a CPU')
    parser.add_argument('--size', default='1024x512', help='WxH of picture and network input (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=60 if cuda else 10)
    options = parser.parse_args()
    width, height = map(int, options.size.split('x'))
    device = 'cuda' if cuda else 'cpu'
    rows = []
    for name in tqdm(options.networks, desc='networks'):
        for half in (False, True):
            if cuda:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            bundle = random_bundle(name, height, width)
            report = benchmark(bundle, size=(height, width), frames=options.frames, device=device, half=half)
            rows.append(row(report, swap_ms(bundle, device, half), torch.cuda.max_memory_allocated() / 2**20 if cuda else 0))
    where = torch.cuda.get_device_name() if cuda else 'the CPU: no CUDA device is here'
    print(f'\ntorch {torch.__version__} on {where}; {options.size}, {options.frames} frames; milliseconds\n{HEAD}')
    print('\n'.join(rows))
    return 0


if __name__ == '__main__':
    sys.exit(main())

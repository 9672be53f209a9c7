import numpy as np
import pytest
import torch

from uda_seg_ros.runtime.benchmark import STAGES, WARM_UP, PlainTorch, Watch, benchmark
from uda_seg_ros.runtime.engine import Engine


def test_every_stage_is_timed_both_ways_and_the_table_shows_it(lively_bundle):
    report = benchmark(lively_bundle, size=(60, 80), frames=4, device='cpu')
    assert list(report.engine) == list(report.plain) == list(report.ratio) == [*STAGES, 'total']
    for times in (*report.engine.values(), *report.plain.values()):
        assert 0 < times.median_ms <= times.p95_ms <= times.p99_ms
    assert report.ratio['total'] == report.plain['total'].median_ms / report.engine['total'].median_ms
    assert (report.picture, report.network, report.precision, report.frames) == ('80x60', 'fast_scnn', 'fp32', 4)
    lines = report.as_text().splitlines()
    assert [line.split()[0] for line in lines[2:]] == [*STAGES, 'total']


def test_the_plain_way_gives_the_same_answer(lively_bundle, picture):
    frame = picture(120, 160)
    engine = Engine(lively_bundle, device='cpu')
    plain = PlainTorch(lively_bundle, torch.device('cpu'), engine.network_size(120, 160))
    value = None
    with torch.inference_mode():
        for stage in plain.stages(frame.image)[:3]:
            value = stage(value)
    answer = engine(frame)
    sure = answer.confidence > 127  # the plain way does not round resized pictures to bytes: close calls may differ
    assert sure.mean() > 0.1
    assert (value == answer.mask)[sure].mean() > 0.99


def test_the_first_frames_do_not_count():
    watch = Watch(torch.device('cpu'))
    watch.rows = [[1e6] * len(STAGES)] * WARM_UP + [[1.0] * len(STAGES), [3.0] * len(STAGES)]
    assert watch.times()['network'].median_ms == 2.0
    assert watch.times()['total'].p99_ms == pytest.approx(np.percentile([5, 15], 99))

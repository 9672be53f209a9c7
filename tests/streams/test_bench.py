"""The whole benchmark on tiny streams: what it computes, keeps and writes, by its command line."""

from __future__ import annotations

import dataclasses
import json
import re
from types import SimpleNamespace

import pytest

from uda_seg_ros.cli import main
from uda_seg_ros.streams import bench, command, results
from uda_seg_ros.streams.bench import digest_of
from uda_seg_ros.streams.methods import METHODS
from uda_seg_ros.streams.program_text import PACKAGE, reached

FIELDS = {'stream', 'kind', 'method', 'gain', 'regret', 'time_worse', 'way_back', 'recovery', 'p99_ratio', 'gain_interval',
          'regret_interval', 'frozen_miou', 'miou', 'gate_efficiency', 'gap_closed', 'detection_delay', 'false_alarms',
          'shifts', 'shifts_found', 'abrupt_parts', 'parts_recovered',
          'promotions', 'rejections', 'rollbacks', 'lost_frames', 'runs', 'frames'}


@pytest.fixture
def folder(bundle, tmp_path):
    return bundle.save(tmp_path / 'bundle')


@pytest.fixture
def go(folder, camvid, tmp_path, monkeypatch):
    """On tiny pictures, unless other data are asked for."""
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(results.rows, '__kwdefaults__', {'draws': 50})

    def call(*arguments) -> dict:
        out = tmp_path / 'out.json'
        common = ['bench-streams', '--bundle', folder, '--data', f'camvid:{camvid}', '--frames', '12', '--size', '128x64',
                  '--json', out]
        assert main(list(map(str, [*common, *arguments]))) == 0
        return json.loads(out.read_text())
    return call


def test_a_row_a_stream_and_method_with_every_field(go, tmp_path, capsys):
    methods = ('frozen', 'batchnorm_0.5', 'oracle', 'supervised-steps=1')
    found = go('--streams', 'A,C', '--methods', ','.join(methods), '--html', tmp_path / 'page.html')
    assert [(row['stream'], row['kind'], row['method']) for row in found['rows']] == [
        (stream, kind, method) for stream, kind in (('A', 'trap'), ('C', 'shift'))
        for method in methods]
    for row in found['rows']:
        assert set(row) >= FIELDS and row['p99_ratio'] is None and row['frames'] == 12
        assert row['gain_interval'][0] <= row['gain_interval'][1]
        assert row['method'] != 'frozen' or (row['gain'], row['regret'], row['gain_interval']) == (0, 0, [0, 0])
    assert {row['method'] for row in found['overall']} == {row['method'] for row in found['rows']}
    assert {'disagreement', 'entropy', 'brightness'} <= {row['signal'] for row in found['signals']}
    assert found['settings']['frames'] == 12 and found['settings']['network_input'] == '128x64'
    told = capsys.readouterr().out
    assert 'C  storm' in told and 'batchnorm_0.5' in told and 'over all streams' in told
    page = (tmp_path / 'page.html').read_text()
    assert page.count('<svg') == 2 * 3 and 'nan' not in page.lower().replace('nanosecond', '') and 'http' not in page
    assert not re.search(r'(src|href)="', page), 'the page is one file'


def test_procedural_drives_are_there_always(go):
    row, = go('--data', 'procedural', '--streams', 'B', '--frames', '6', '--methods', 'frozen')['rows']
    assert row['gain'] == 0 and 0 <= row['frozen_miou'] < 20, 'a network that has learned nothing'


def test_what_is_finished_is_kept(go, monkeypatch):
    first = go('--streams', 'A', '--methods', 'batchnorm_0.5')
    ran = []
    real = bench.run

    def noted(method, *rest, **more):
        ran.append(type(method).__name__)
        return real(method, *rest, **more)
    monkeypatch.setattr(bench, 'run', noted)
    assert go('--streams', 'A', '--methods', 'batchnorm_0.5')['rows'] == first['rows'] and ran == []
    go('--streams', 'A', '--methods', 'batchnorm_0.5,batchnorm_0.5-share=0.75')
    assert ran == ['BatchNormMix']
    go('--streams', 'A', '--methods', 'batchnorm_0.5', '--background', '5')
    assert ran == ['BatchNormMix', 'Frozen', 'BatchNormMix'], 'another pace is another result'


def test_the_program_text_of_a_result_is_what_its_files_import_and_no_more():
    text = {path.relative_to(PACKAGE).as_posix() for path in reached([PACKAGE / 'streams' / 'methods' / 'ours.py'])}
    assert {'online/adapter.py', 'online/settings.py', 'online/guards.py', 'replay.py', 'metrics.py', 'streams/clock.py',
            'self_training/losses.py', 'runtime/engine.py', 'streams/methods/ours.py', 'streams/passes.py'} <= text
    assert not text & {'online/process_worker.py', 'streams/methods/tent.py', 'streams/page.py', 'cli.py'}


def test_a_bundle_of_other_preprocessing_is_another(bundle):
    other = dataclasses.replace(bundle, preprocess=dataclasses.replace(bundle.preprocess, keep_aspect=False))
    assert digest_of(bundle) == digest_of(dataclasses.replace(bundle, provenance={'x': 1})) != digest_of(other)


def test_seeds_are_for_methods_that_draw(go):
    rows = go('--streams', 'A', '--methods', 'batchnorm_0.5,cotta-restore=0.5', '--seeds', '2')['rows']
    assert [(row['runs'], len(row['gain_of_runs'])) for row in rows] == [(1, 1), (2, 2)]


def test_several_bundles_are_several_source_seeds(go, folder):
    rows = go('--bundle', folder, '--streams', 'A', '--methods', 'batchnorm_0.5')['rows']
    assert [row['runs'] for row in rows] == [2]


def test_tuning_shows_the_families_for_it(go):
    assert go('--streams', 'D', '--methods', 'frozen', '--tune')['settings']['families'] == 'tune'


@pytest.mark.parametrize('arguments, message', [
    (['--streams', 'A,Z'], "unknown stream 'Z'"), (['--methods', 'tent'], "unknown method 'tent'"),
    (['--data', 'camvid:/nowhere'], 'needs images/, labels/ and splits/'), (['--streams', 'C', '--frames', '3'], 'too few'),
    (['--bundle', '/nowhere'], '/nowhere'), (['--methods', 'frozen', '--device', 'tpu'], "device 'tpu' is not possible")])
def test_what_is_wrong_is_told_in_one_line(folder, tmp_path, capsys, arguments, message):
    common = ['bench-streams', '--bundle', str(folder), '--methods', 'frozen', '--keep', str(tmp_path / 'k')]
    assert main([*common, *arguments]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert message in told[-1] and told[-1].startswith('uda_seg: error: ')


def test_who_needs_the_source_is_told_before_the_first_frame(tiny_bundle, tmp_path, capsys):
    arguments = ['bench-streams', '--bundle', str(tiny_bundle), '--streams', 'A', '--keep', str(tmp_path)]
    assert main([*arguments, '--methods', 'frozen,hamlet']) == 2
    assert 'no replay memory, which hamlet need' in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_the_table_names_every_baseline():
    assert {'frozen', 'batchnorm_0.5', 'batchnorm_1.0', 'tent_1e-5', 'tent_1e-4', 'tent_1e-3', 'ema', 'cotta', 'class_reset',
            'rdumb_100', 'rdumb_500', 'hamlet', 'oracle', 'supervised', 'ours'} == set(METHODS)


def test_the_bar_counts_what_is_left_to_run(monkeypatch):
    """Three runs of ten frames, of which the first two are kept; then one of ten that is not."""
    stream = SimpleNamespace(parts=lambda frames, tune: [SimpleNamespace(frames=10)])
    methods = [SimpleNamespace(name=name, entry=SimpleNamespace(chance=False)) for name in ('frozen', 'a', 'b', 'c')]
    monkeypatch.setattr(command, 'tqdm', Bar)
    plan = SimpleNamespace(streams=[stream], bundles={'x': 0}, methods=methods, frames=None, tune=False, seeds=1)
    progress = command.Progress(plan)
    assert progress._bar.total == 40
    waiting = [progress(name, 10) for name in ('frozen', 'a', 'b')]
    assert list(waiting[2](range(10))) == list(range(10))
    assert (progress._bar.total, progress._bar.n, progress._bar.told) == (20, 10, 'b')
    list(progress('c', 10)(range(10)))
    assert (progress._bar.total, progress._bar.n) == (20, 20)


class Bar:
    """As tqdm, in numbers."""

    def __init__(self, total, **how) -> None:
        self.total, self.n, self.disable = total, 0, None

    def set_description(self, told) -> None:
        self.told = told

    def update(self) -> None:
        self.n += 1

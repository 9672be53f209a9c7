"""The tables and the picture that the command puts into a page of text."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from uda_seg_ros.cli import main
from uda_seg_ros.streams import results
from uda_seg_ros.streams.ablation import METHODS, PARTS
from uda_seg_ros.streams.bench import Run
from uda_seg_ros.streams.errors import StreamError
from uda_seg_ros.streams.markdown import ablation, whole
from uda_seg_ros.streams.methods import choose
from uda_seg_ros.streams.picture import picture
from uda_seg_ros.streams.table import find_stream

from .test_measures import trace


def row(method, stream, kind, gain, **more):
    return {'method': method, 'stream': stream, 'title': 'T', 'kind': kind, 'gain': gain, 'regret': gain - 1,
            'way_back': -0.1, 'time_worse': 0.25, 'frozen_miou': 40.0,
            'gain_interval': (gain - 1, gain + 1), 'gain_at_end': gain, 'regret_interval': (gain - 2, gain),
            'shift_gain': gain + 2, 'gap_closed': None, 'recovery': 9.0, 'parts_recovered': 1, 'abrupt_parts': 2,
            'detection_delay': None, 'shifts_found': 0, 'shifts': 1, 'false_alarms': None, 'runs': 1, 'frames': 12, **more}


def test_every_part_of_the_ablation_is_a_switch_of_the_adapter():
    whole_one, *without = (choose(name).config for name in METHODS)
    assert len({repr(config) for config in (whole_one, *without)}) == len(METHODS) == len(PARTS) + 1


def test_the_ablation_counts_against_the_whole():
    found = [row(method, stream, kind, gain) for method, gain in (('ours', 4.0), ('ours-no_gate', 3.0))
             for stream, kind in (('C', 'shift'), ('A', 'trap'))]
    head, _, nothing, gate = ablation(found).splitlines()
    assert head.startswith('| without | gain (shift) | against the whole |')
    assert nothing == '| nothing | +4.00 | +0.00 | +3.00 | -0.10 | 25.0 % |'
    assert gate == '| the gate | +3.00 | -1.00 | +2.00 | -0.10 | 25.0 % |'


def test_the_page_shows_all_methods_the_adapter_by_stream_and_the_signals():
    told = [{'stream': 'all', 'method': 'ours', 'signal': 'class_count', 'rank_correlation': -0.5}]
    text = whole([row(method, 'C', 'shift', gain) for method, gain in (('frozen', 0.0), ('ours', 4.0))], told)
    assert 'gap' not in text
    assert '| `ours` | +4.00 | - | -0.10 | 25.0 % |' in text and '| gain | C (shift) |' in text
    assert ('| C: T | 40.0 | +4.00 | +3.0 to +5.0 | +6.00 | +3.00 | +2.0 to +4.0 | 25.0 % | -0.10 | +4.00 | '
            '9 (1/2) | - (0/1) | - |') in text
    assert '| class count | -0.50 |' in text


def test_beside_the_upper_bound_the_share_of_the_gap_that_is_closed_is_shown():
    text = whole([row(method, 'C', 'shift', gain, gap_closed=closed)
                  for method, gain, closed in (('frozen', 0.0, 0.0), ('ours', 4.0, 0.34), ('supervised', 9.0, 1.0))], [])
    assert '| of the gap to `supervised` | C (shift) |' in text and '| `ours` | 34 % |' in text


def test_the_command_fills_the_place_of_that_name_and_tells_of_none_before_the_first_frame(
        bundle, camvid, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results.rows, '__kwdefaults__', {'draws': 50})
    page = tmp_path / 'page.md'
    page.write_text('before\n<!-- bench-streams small -->\nold\n<!-- end -->\nafter\n')
    common = ['bench-streams', '--bundle', bundle.save(tmp_path / 'bundle'), '--data', f'camvid:{camvid}', '--streams',
              'A:12', '--size', '128x64', '--methods', 'frozen', '--keep', tmp_path / 'keep', '--into', page]
    assert main(list(map(str, [*common, 'other']))) == 2
    assert 'there is no place for the table' in capsys.readouterr().err and not (tmp_path / 'keep').exists()
    assert main(list(map(str, [*common, 'small']))) == 0
    text = page.read_text()
    assert text.startswith('before\n<!-- bench-streams small -->\nMeasured on CamVid; network input 128x64, 1 source')
    assert 'frames of each stream: A 12.' in text and '| `frozen` | - |' in text and text.endswith('\n<!-- end -->\nafter\n')


def test_the_picture_is_one_svg_of_the_adapter_on_each_stream(footage):
    own = trace([0.5] * len(footage))
    runs = [Run(find_stream(name), 'ours', 'b', seed, footage, own, own)
            for name in 'DC' for seed in (0, 1)]
    root = ElementTree.fromstring(picture(runs))
    assert [each.tag.split('}')[1] for each in root].count('svg') == 2 and 'C: storm' in ''.join(root.itertext())
    with pytest.raises(StreamError, match='shows ours'):
        picture([])

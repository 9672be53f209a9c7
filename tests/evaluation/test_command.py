"""The command from end to end: what it writes, what it returns, what it refuses."""

from __future__ import annotations

import re
import shutil
import sys

import cv2
import numpy as np
import pytest

from uda_seg_ros.cli import main
from uda_seg_ros.evaluation import plan
from uda_seg_ros.metrics import iou, mean_iou

from ..online.conftest import LABELS
from ..recordings import bags
from .conftest import CLEAR, FOGGY, SECOND, evaluate, messages, read_lines, read_summary, write_bag

pytestmark = pytest.mark.timeout(360)  # the first test waits for a drive to be evaluated


def without_latency(text: str) -> str:
    return re.sub(r'"latency_ms": [0-9.]+', '', text)


def test_every_frame_has_a_line_with_its_stamp_and_the_adapter_is_told_of(evaluated):
    assert evaluated.code == 0
    assert [line['Stamp']['sec'] for line in evaluated.lines] == list(range(1, CLEAR + FOGGY + 1))
    assert [line['Frame']['time_s'] for line in evaluated.lines] == list(range(CLEAR + FOGGY))
    kinds = [event['kind'] for line in evaluated.lines for event in line['Result']['events']]
    assert 'shift' in kinds and kinds.count('promotion') == evaluated.summary['events']['promotion'] > 0
    assert evaluated.lines[-1]['Result']['weights_version'] == evaluated.summary['weights_versions'] > 0


def test_what_was_learned_of_a_frame_serves_the_next_at_the_earliest(evaluated):
    first = next(place for place, line in enumerate(evaluated.lines) if line['Result']['weights_version'])
    told = next(place for place, line in enumerate(evaluated.lines) if line['Result']['events'])
    assert told < first
    assert all(line['Result']['agreement'] == 1 for line in evaluated.lines[:first])
    assert evaluated.lines[first]['Result']['agreement'] < 1


def test_the_same_run_twice_is_the_same_to_the_last_byte_but_for_latency(evaluated, colours, foggy_bag, tmp_path):
    evaluate(foggy_bag, '--bundle', colours.folder, '--adapt', '--settings', colours.settings, '--out', tmp_path / 'again',
             '--no-video')
    first, second = ((out / 'result.jsonl').read_text() for out in (evaluated.out, tmp_path / 'again'))
    assert without_latency(first) == without_latency(second)


def test_the_page_can_be_made_again_without_bag_and_network(evaluated, tmp_path, capsys):
    for name in ('result.jsonl', 'summary.json', 'moments.json', 'overlay.webm'):
        shutil.copy(evaluated.out / name, tmp_path)
    assert main(['remake-report', str(tmp_path)]) == 0 and str(tmp_path / 'report.html') in capsys.readouterr().out
    first, second = (re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '', page)  # the plots' names are drawn
                     for page in (evaluated.page, (tmp_path / 'report.html').read_text()))
    assert first == second
    (tmp_path / 'moments.json').unlink()
    assert main(['remake-report', str(tmp_path)]) == 2 and 'moments.json: No such file' in capsys.readouterr().err


def test_the_figures_can_be_made_again_from_the_lines(evaluated):
    """By hand, not by the code of the summary."""
    counts = {name: np.zeros((4, 5), int) for name in ('served', 'frozen')}
    for line in evaluated.lines:
        for name, matrix in counts.items():
            for label, predicted, pixels in line['Result'][name]['confusion']:
                matrix[label, predicted] += pixels
    for name, matrix in counts.items():
        assert evaluated.summary[name]['miou'] == pytest.approx(100 * mean_iou(matrix), abs=1e-5)
        assert evaluated.summary[name]['iou']['red'] == pytest.approx(100 * iou(matrix)[0], abs=1e-5)
        assert sum(matrix.ravel()) == (CLEAR + FOGGY) * 64 * 96
    latencies = [line['Result']['latency_ms'] for line in evaluated.lines]
    assert evaluated.summary['latency_ms']['max'] == pytest.approx(max(latencies))
    served, frozen = (evaluated.summary[name]['miou'] for name in ('served', 'frozen'))
    assert evaluated.summary['paired']['miou_difference'] == pytest.approx(served - frozen, abs=1e-4)
    low, high = evaluated.summary['paired']['gain_interval']
    assert low <= evaluated.summary['paired']['gain'] <= high


@pytest.mark.parametrize('limits, code, said', [
    (('--min-miou', 0), 0, ''), (('--min-miou', 99.9), 1, 'is below --min-miou 99.9')])
def test_a_limit_that_is_not_kept_is_exit_code_1(colours, tmp_path, capsys, limits, code, said):
    bag = write_bag(tmp_path / 'bag', messages(3, 0))
    assert evaluate(bag, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video', *limits) == code
    assert said in capsys.readouterr().err
    assert bool(read_summary(tmp_path / 'out')['failures']) == bool(code)


def test_labels_that_match_no_frame_are_counted_and_keep_no_limit(colours, tmp_path, capsys):
    stream = [(topic, receive, message) for topic, receive, message in messages(4, 0) if topic != '/camera/label']
    types = bags.get_typestore(bags.Stores.ROS2_JAZZY).types
    stream += [('/camera/label', place * SECOND + 7, bags.image(types, place * SECOND + 7, np.zeros((64, 96), np.uint8)))
               for place in range(3)]
    bag = write_bag(tmp_path / 'bag', sorted(stream, key=lambda each: each[1]))
    code = evaluate(bag, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video', '--min-miou', 1)
    summary = read_summary(tmp_path / 'out')
    assert code == 1 and 'no label matched a frame by its stamp' in capsys.readouterr().err
    assert (summary['labels_without_frame'], summary['frames_without_label'], summary['labelled_frames']) == (3, 4, 0)


def test_label_files_named_by_stamps_score_as_the_topic_does(colours, tmp_path):
    with_topic = write_bag(tmp_path / 'topic', messages(5, 0))
    without = write_bag(tmp_path / 'bare', messages(5, 0, labelled=lambda place: False))
    folder = tmp_path / 'labels'
    folder.mkdir()
    from ..online.conftest import scene
    for place in range(5):
        name = f'{(place + 1) * SECOND}' if place % 2 else f'{place + 1}_000000000'
        cv2.imwrite(str(folder / f'{name}_TrainIds.png'), scene(300 + place).label)
    outs = tmp_path / 'a', tmp_path / 'b'
    evaluate(with_topic, '--bundle', colours.folder, '--out', outs[0], '--no-video')
    evaluate(without, '--bundle', colours.folder, '--out', outs[1], '--no-video', '--labels', folder)
    assert [without_latency((out / 'result.jsonl').read_text()) for out in outs[:1]] == [
        without_latency((outs[1] / 'result.jsonl').read_text())]
    assert read_summary(outs[1])['served']['miou'] > 50


def test_without_labels_nothing_is_called_better_or_accurate(colours, tmp_path):
    bag = write_bag(tmp_path / 'bag', messages(3, 4, labelled=lambda place: False))
    evaluate(bag, '--bundle', colours.folder, '--adapt', '--settings', colours.settings, '--out', tmp_path / 'out')
    summary, page = read_summary(tmp_path / 'out'), (tmp_path / 'out' / 'report.html').read_text()
    aside = r'<script.*?</script>|<style.*?</style>|<ul class="notes">.*?</ul>|data:[^"]*"'  # pictures are letters by chance
    text = re.sub(aside, '', page, flags=re.S)
    assert 'Without labels nothing here says which is better' in summary['verdict']
    assert 'miou' not in summary['served'] and summary['paired'] is None
    assert 'IoU' not in text and 'None of them is accuracy' in text and text.count('ccura') == 1
    assert 0 <= summary['agreement']['mean'] <= 1 and summary['shift_score']['max'] > summary['shift_score']['min']


def test_a_truncated_bag_is_evaluated_to_the_break_and_says_so(tiny_bundle, tmp_path, capsys):
    whole = bags.write_ros2(tmp_path / 'whole', 'sqlite3')
    content = next(whole.glob('*.db3')).read_bytes()
    cut = tmp_path / 'cut.db3'
    cut.write_bytes(content[: len(content) // 2])
    assert evaluate(cut, '--bundle', tiny_bundle, '--out', tmp_path / 'out', '--no-video') == 0
    summary = read_summary(tmp_path / 'out')
    assert 0 < summary['num_frames'] < len(bags.STAMPS)
    assert any('cut.db3: damaged: it breaks off' in note and 'What comes before was evaluated' in note
               for note in summary['notes'])
    assert 'breaks off' in capsys.readouterr().out and 'breaks off' in (tmp_path / 'out' / 'report.html').read_text()


def test_all_kinds_of_bags_give_the_same_lines(tiny_bundle, tmp_path):
    texts = {}
    for kind, path in bags.write_all(tmp_path / 'bags').items():
        out = tmp_path / kind
        assert evaluate(path, '--bundle', tiny_bundle, '--out', out, '--no-video') == 0
        texts[kind] = without_latency((out / 'result.jsonl').read_text())
        assert read_summary(out)['bag_hash'] == read_summary(tmp_path / 'sqlite3')['bag_hash']
    assert len(set(texts.values())) == 1 and texts['ros1'].count('\n') == len(bags.STAMPS)


def test_several_bags_are_one_drive_in_the_order_of_time(colours, tmp_path):
    late = write_bag(tmp_path / 'late', messages(6, 0, first=3), 'sqlite3')
    early = write_bag(tmp_path / 'early', messages(3, 0))
    evaluate(late, early, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video')
    frames = [line['Frame'] for line in read_lines(tmp_path / 'out')]
    assert [frame['time_s'] for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert [(frame['bag'], frame['bag_time_s']) for frame in frames] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [bag['path'] for bag in read_summary(tmp_path / 'out')['bags']] == [str(early), str(late)]


def test_start_duration_and_stride_choose_frames(colours, tmp_path):
    bag = write_bag(tmp_path / 'bag', messages(12, 0))
    evaluate(bag, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video', '--start', 2, '--duration', 7,
             '--stride', 3)
    assert [line['Frame']['time_s'] for line in read_lines(tmp_path / 'out')] == [2, 5, 8]
    assert read_summary(tmp_path / 'out')['labels_without_frame'] == 0


def test_realtime_tells_what_was_dropped(colours, foggy_bag, tmp_path, monkeypatch):
    """A network that takes 2.5 s sees every third frame of one a second."""
    from uda_seg_ros.evaluation import run as module
    look = module.look

    def slow(engine, image):
        view = look(engine, image)
        return type(view)(view.mask, view.confidence, view.entropy, view.moments, 2_500_000_000)
    monkeypatch.setattr(module, 'look', slow)
    evaluate(foggy_bag, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video', '--mode', 'realtime',
             '--duration', 12)
    lines, summary = read_lines(tmp_path / 'out'), read_summary(tmp_path / 'out')
    dropped = [line['Frame']['time_s'] for line in lines if line['Result'].get('dropped')]
    assert summary['num_missed_frames'] == len(dropped) and summary['num_frames'] == len(lines) - len(dropped)
    assert dropped[:2] == [1, 3] and len(lines) == 12
    assert 'were dropped' in summary['verdict']


@pytest.mark.parametrize('options, said', [
    (('--image-topic', '/front'), "no image topic '/front'; it has: /camera/image_raw (sensor_msgs/msg/Image)"),
    (('--label-topic', '/truth'), "no label topic '/truth'"),
    (('--max-regret', '2'), '--max-regret compares with the frozen network and needs --adapt'),
    (('--labels', '/nowhere'), '/nowhere: no such folder of labels'),
    (('--bundle', '/nowhere'), 'bundle.yaml: not found'),
    (('--device', 'cuda:9'), 'cuda:9'),
    (('--settings', 'x.yaml'), 'need --adapt'),
    (('--adapt', '--method', 'agaa'), "adaptation method 'agaa' is not there"),
])
def test_what_cannot_be_is_said_in_one_line_before_any_work(tiny_bundle, tmp_path, capsys, options, said):
    bag = write_bag(tmp_path / 'bag', messages(2, 0))
    code = evaluate(bag, '--bundle', tiny_bundle, '--out', tmp_path / 'out', *options)
    errors = capsys.readouterr().err
    assert code == 2 and said in errors and errors.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_a_limit_without_labels_a_full_folder_and_a_missing_viewer_are_refused(tiny_bundle, tmp_path, capsys, monkeypatch):
    bag = write_bag(tmp_path / 'bag', messages(2, 0, labelled=lambda place: False))
    full = tmp_path / 'full'
    full.mkdir()
    (full / 'kept').touch()
    monkeypatch.setattr(plan, 'find_spec', lambda name: None)
    for options, said in ((('--min-miou', 5), '--min-miou needs labels'), (('--out', full), 'is not an empty folder'),
                          (('--write-bag', full), 'exists already'), (('--rerun',), 'pip install rerun-sdk')):
        assert evaluate(bag, '--bundle', tiny_bundle, '--out', tmp_path / 'out', *options) == 2
        assert said in capsys.readouterr().err
    assert evaluate(bag, '--bundle', tiny_bundle, '--out', tmp_path / 'out', '--write-bag', tmp_path / 'out') == 2
    assert '--write-bag needs a folder of its own' in capsys.readouterr().err
    assert list(full.iterdir()) == [full / 'kept'] and not (tmp_path / 'out').exists()


def test_the_classes_of_the_labels_are_told_apart_from_those_of_the_masks(tiny_bundle, tmp_path):
    """Cityscapes masks, CamVid labels: compared in CamVid's eleven."""
    bag = bags.write_ros2(tmp_path / 'bag', 'mcap')
    evaluate(bag, '--bundle', tiny_bundle, '--out', tmp_path / 'out', '--no-video', '--label-space', 'camvid11')
    summary = read_summary(tmp_path / 'out')
    assert summary['settings']['compared in'] == 'camvid11'
    assert set(summary['served']['iou']) <= {'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign_symbol', 'fence',
                                             'car', 'pedestrian', 'bicyclist'}
    assert LABELS.name not in str(summary['settings'])


def test_without_plotly_all_but_the_page_is_written(tiny_bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'plotly.offline', None)
    bag = bags.write_ros2(tmp_path / 'bag', 'mcap')
    assert evaluate(bag, '--bundle', tiny_bundle, '--out', tmp_path / 'out') == 0
    assert 'report.html was not written: the plots need Plotly: pip install plotly' in capsys.readouterr().err
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'result.jsonl', 'summary.json', 'moments.json', 'overlay.webm'}

"""Drives that are not as they should be: a result is written all the same, and says what was odd."""

from __future__ import annotations

import dataclasses
import re

import cv2
import numpy as np
import pytest

from uda_seg_ros.evaluation import EvaluationError, run
from uda_seg_ros.evaluation.drive import Cut, Drive, look_into
from uda_seg_ros.evaluation.label_sources import LabelFiles
from uda_seg_ros.evaluation.plots import MOST, course
from uda_seg_ros.evaluation.record import Mark, Record
from uda_seg_ros.evaluation.summary import rate
from uda_seg_ros.labels import CITYSCAPES, IGNORE
from uda_seg_ros.online.status import Event

from ..recordings import bags
from .conftest import SECOND, evaluate, messages, read_summary, write_bag

pytestmark = pytest.mark.timeout(360)


def test_a_first_picture_that_comes_second_is_the_first_of_the_drive(tmp_path):
    first, second, third = messages(3, 0, labelled=lambda place: False)
    late = [(second[0], SECOND // 2, second[2]), first, third]
    shots = list(Drive([look_into(write_bag(tmp_path / 'bag', late), '', '')]).shots())
    assert [shot.stamp_ns // SECOND for shot in shots] == [1, 2, 3]
    assert [(shot.time_s, shot.bag_time_s) for shot in shots] == [(0, 0), (1, 1), (2, 2)]


def test_labels_of_a_folder_are_never_mixed_with_those_of_a_bag(tmp_path):
    """The second bag has labels of its own, and those of the folder are used up by then."""
    parts = [look_into(write_bag(tmp_path / name, messages(count, 0, first=first)), '', '')
             for name, count, first in (('early', 2, 0), ('late', 4, 2))]
    cv2.imwrite(str(tmp_path / f'{SECOND}.png'), np.zeros((64, 96), np.uint8))
    drive = Drive(parts, labels=LabelFiles(tmp_path, CITYSCAPES))
    assert [shot.label is not None for shot in drive.shots()] == [True, False, False, False]


def test_a_night_between_two_bags_counts_for_a_second(tmp_path):
    night = 12 * 3600 * SECOND
    early = list(messages(2, 0, labelled=lambda place: False))
    types, black = bags.get_typestore(bags.Stores.ROS2_JAZZY).types, np.zeros((64, 96, 3), np.uint8)
    late = [(topic, stamp + night, bags.image(types, stamp + night, black)) for topic, stamp, _ in early]
    parts = [look_into(write_bag(tmp_path / name, stream), '', '') for name, stream in (('late', late), ('early', early))]
    shots = list(Drive(parts).shots())
    assert [(shot.bag, shot.time_s) for shot in shots] == [(0, 0), (0, 1), (1, 2), (1, 3)]
    assert [shot.time_s for shot in Drive(parts, Cut(start_s=2)).shots()] == [2, 3]


def test_two_label_pictures_of_one_stamp_are_refused_by_both_names(tmp_path):
    for name in ('5.png', '0_000000005_TrainIds.png'):
        cv2.imwrite(str(tmp_path / name), np.zeros((64, 96), np.uint8))
    with pytest.raises(EvaluationError, match=r'0_000000005_TrainIds\.png and 5\.png have one stamp'):
        LabelFiles(tmp_path, CITYSCAPES)


def test_the_summary_names_the_labels_that_were_read(tiny_bundle, tmp_path):
    bag, folder, found = write_bag(tmp_path / 'bag', messages(2, 0)), tmp_path / 'labels', []
    folder.mkdir()
    cv2.imwrite(str(folder / f'{SECOND}.png'), np.zeros((64, 96), np.uint8))
    for name, labels in (('topic', ()), ('files', ('--labels', folder))):
        evaluate(bag, '--bundle', tiny_bundle, '--out', tmp_path / name, '--no-video', *labels)
        summary = read_summary(tmp_path / name)
        found.append((summary['bags'][0]['label_topic'], summary['settings']['labels from']))
    assert found == [('/camera/label', '/camera/label'), (None, str(folder))]


def test_damaged_and_empty_labels_are_counted_and_end_nothing(tiny_bundle, tmp_path, capsys):
    bag, folder, out = write_bag(tmp_path / 'bag', messages(2, 0)), tmp_path / 'labels', tmp_path / 'out'
    folder.mkdir()
    (folder / f'{SECOND}_TrainIds.png').write_bytes(b'no picture')
    cv2.imwrite(str(folder / f'{2 * SECOND}_TrainIds.png'), np.full((64, 96), IGNORE, np.uint8))
    code = evaluate(bag, '--bundle', tiny_bundle, '--out', out, '--no-video', '--labels', folder, '--min-miou', 1)
    summary = read_summary(out)
    assert code == 1 and 'so there is nothing to compare with a limit' in capsys.readouterr().err
    assert (summary['num_frames'], summary['labelled_frames'], summary['frames_without_label']) == (2, 0, 2)
    assert (summary['undecodable_labels'], summary['void_labels']) == (1, 1)
    notes = ' '.join(summary['notes'])
    assert 'not a label picture' in notes and 'look at --label-space' in notes and 'There is no shift score' in notes
    assert (out / 'report.html').stat().st_size > 1000


def test_a_drive_without_a_picture_passes_no_test(tiny_bundle, tmp_path, capsys):
    out = tmp_path / 'out'
    assert evaluate(bags.write_ros2(tmp_path / 'bag', 'mcap'), '--bundle', tiny_bundle, '--out', out, '--start', 100) == 1
    assert 'failed: no picture was segmented' in capsys.readouterr().err
    summary = read_summary(out)
    assert summary['num_frames'] == 0 and (out / 'report.html').exists()
    assert any(re.fullmatch(r'The drive is \d+\.\d s long, and --start is 100 s\.', note) for note in summary['notes'])


def test_an_adapter_that_changed_nothing_says_why(colours, tmp_path):
    out = tmp_path / 'out'
    bag = write_bag(tmp_path / 'bag', messages(2, 0, labelled=lambda place: False))
    evaluate(bag, '--bundle', colours.folder, '--adapt', '--settings', colours.settings, '--out', out, '--no-video')
    notes = ' '.join(read_summary(out)['notes'])
    assert 'The adapter never changed the weights; at the end it says: ' in notes and not notes.endswith(': ')


def test_what_the_start_of_a_network_costs_is_in_no_latency(tiny_bundle, tmp_path, monkeypatch):
    took_ns, look = iter([9 * SECOND]), run.look

    def slow_at_first(engine, image):
        view = look(engine, image)
        return dataclasses.replace(view, took_ns=next(took_ns, 1))
    monkeypatch.setattr(run, 'look', slow_at_first)
    bag, out = write_bag(tmp_path / 'bag', messages(3, 0)), tmp_path / 'out'
    evaluate(bag, '--bundle', tiny_bundle, '--out', out, '--no-video', '--mode', 'realtime')
    summary = read_summary(out)
    assert (summary['num_frames'], summary['num_missed_frames']) == (3, 0)


def test_the_night_between_two_bags_does_not_make_masks_rarer():
    assert rate(np.array([0.0, 1, 2, 80_000, 80_001]), np.array([0.0, 0, 0, 1, 1])) == 1
    assert rate(np.array([0.0, 80_000]), np.array([0.0, 1])) is None


def test_of_many_drops_marks_are_shown_along_the_whole_drive():
    record = Record([], 4)
    record.dropped_s = [float(place) for place in range(5 * MOST)]
    shown = next(trace for trace in course(record).data if trace.name == 'dropped').x
    assert len(shown) <= MOST and shown[0] == 0 and shown[-1] > 4.9 * MOST


def test_every_promotion_and_every_new_bag_has_its_line():
    record = Record([], 4)
    record.marks = [Mark(float(place), Event('promotion', place, 'better')) for place in range(300)]
    record.starts_s = [100.5, 200.5]
    lines = course(record).layout.shapes
    assert sorted(line.x0 for line in lines) == sorted([*map(float, range(300)), 100.5, 200.5])

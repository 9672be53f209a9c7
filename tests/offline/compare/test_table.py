"""The table: means, standard errors and the share of the gap, as one would compute them by hand."""

from __future__ import annotations

import csv
import io
import math

import pytest

from offline.compare.plot import plot
from offline.compare.suite import Suite
from offline.compare.table import Result, comma_separated, markdown, rows

SUITE = Suite('Title', {}, {'source_only': {}, 'ours': {}, 'supervised': {}, 'never_run': {}}, (0, 1), 'target')


def result(method, seed, score):
    return Result(method, seed, {'target': score, 'source': 90.0}, {'road': score}, 1_100_000, 10.0 * (seed + 1), 2.0)


RESULTS = [result('source_only', 0, 20.0), result('source_only', 1, 24.0), result('ours', 0, 30.0), result('ours', 1, 33.0),
           result('supervised', 0, 42.0)]


def test_rows_are_means_over_the_seeds_in_the_order_of_the_suite():
    floor, ours, ceiling = rows(SUITE, RESULTS)
    assert [row.method for row in (floor, ours, ceiling)] == ['source_only', 'ours', 'supervised']
    assert (floor.target_miou, ours.target_miou, ceiling.target_miou) == (22.0, 31.5, 42.0)
    assert ours.stderr == pytest.approx(math.sqrt(((30 - 31.5) ** 2 + (33 - 31.5) ** 2) / 1) / math.sqrt(2))
    assert ceiling.stderr is None and ceiling.seeds == 1
    assert (floor.gap_closed, ours.gap_closed, ceiling.gap_closed) == (0.0, pytest.approx(47.5), 100.0)
    assert ours.images_per_s == 15.0


def test_without_a_gap_none_is_closed():
    assert rows(SUITE, RESULTS[:4])[1].gap_closed is None
    assert rows(SUITE, [*RESULTS[:4], result('supervised', 0, 21.0)])[1].gap_closed is None


def test_the_table_reads_the_same_as_markdown_and_for_a_spreadsheet():
    table = rows(SUITE, RESULTS)
    assert '| ours | 31.5 ± 1.5 | 48 % |  | 1.10 M | 15 | 2.0 | 2 |' in markdown(table)
    read = list(csv.DictReader(io.StringIO(comma_separated(table))))
    assert [float(row['target_miou']) for row in read] == [22.0, 31.5, 42.0]


def test_the_picture_is_drawn(tmp_path):
    pytest.importorskip('matplotlib')
    plot(SUITE, rows(SUITE, RESULTS), RESULTS, tmp_path / 'table.png')
    assert (tmp_path / 'table.png').stat().st_size > 5000

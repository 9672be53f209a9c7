"""Settings that are more than a value, and values that would break a drive or do nothing."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from uda_seg_ros.config import ConfigError, from_mapping
from uda_seg_ros.online.settings import DEFAULTS, AdapterSettings, TrainingSettings

IMPOSSIBLE = {
    'detector': {'look_s': -1.0, 'thin_s': -0.5, 'fire': 0.0, 'cusum': -1.0, 'normal': 0.0, 'calm': 0, 'alarm': 0,
                 'settled': 0},
    'floor': {'shares': [0.25, 1.5], 'per_shift': math.inf, 'rate': 1.2, 'reference': -0.1, 'looks': 0, 'fewest': 6,
              'sure_s': -1.0, 'least_fall': 0.03, 'kept_fall': 0.2, 'more_fall': math.nan, 'steady': -1, 'crops': 0,
              'most_loss': -0.5, 'trusted_s': 0.0, 'refresh_s': 0.0, 'longer': -1, 'renew_s': -2.0},
    'memory': {'size': 0, 'held_out': 0, 'hold_every': 1, 'cosine': 0.0, 'against': 0, 'recent': 0},
    'training': {'views': [0.1], 'largest_view': 5.0, 'crop': [16, 640], 'part': 0.0, 'head_rate': math.inf,
                 'body_rate': -1e-4, 'steps': [200, 100], 'steps_per_shift': math.inf, 'kappa': 2.0, 'radius': 0.0,
                 'decay': 1.0, 'clean': -1.0, 'restyled': -1.0, 'target': math.nan, 'first_key_frames': -1},
    'gate': {'every': 0, 'crops': 3, 'target': 0, 'scales': [0.5, 1.0], 'clean_loss': -1.0, 'restyled_loss': math.nan,
             'class_loss': -5.0, 'least_gain': math.nan, 'least_won': math.nan, 'much_won': math.nan, 'least_seen': math.nan,
             'plateau': math.nan, 'rejections': 0, 'rollbacks': 0, 'window_s': 0.0, 'safe_s': -1.0, 'valid_s': 0.0,
             'review_s': 0.0},
    'watch': {'limit': 1.0, 'tolerance': 0.1, 'lost_looks': 0}}
MORE = [('floor', 'shares', []), ('training', 'views', []), ('training', 'steps', [0, 0]), ('gate', 'scales', []),
        ('gate', 'scales', [1.0, 1.0]), ('gate', 'scales', [1.0, 0.0]), ('memory', 'size', 2), ('floor', 'fewest', 0)]


@pytest.mark.parametrize('part, size, crop', [
    (1.0, (192, 320), (192, 320)), (1.0, (360, 640), (360, 640)), (1.0, (416, 544), (416, 544)),
    (1.0, (640, 352), (640, 352)), (1.0, (24, 40), (24, 40)), (1.0, (1024, 2048), (384, 640)),
    (0.5, (1024, 2048), (384, 640)), (0.5, (360, 640), (192, 320)), (0.5, (64, 96), (32, 64)), (0.5, (32, 32), (32, 32))])
def test_a_step_trains_on_its_part_of_each_side_and_never_on_more_pixels_than_the_crop(part, size, crop):
    assert TrainingSettings(part=part).crop_of(size) == crop


def test_every_setting_that_is_no_switch_has_its_impossible_value():
    assert {part: set(values) for part, values in IMPOSSIBLE.items()} == {
        part.name: {each.name for each in fields(settings) if not isinstance(getattr(settings, each.name), bool)}
        for part in fields(DEFAULTS) for settings in [getattr(DEFAULTS, part.name)]}


@pytest.mark.parametrize('part, name, value', [
    *((part, name, value) for part, values in IMPOSSIBLE.items() for name, value in values.items()), *MORE])
def test_a_value_that_would_break_a_drive_or_do_nothing_is_refused_by_name_with_what_is_possible(part, name, value):
    with pytest.raises(ConfigError) as error:
        from_mapping(AdapterSettings, {part: {name: value}}, 'settings')
    text, _, possible = str(error.value).partition('possible: ')
    assert part in text and name in str(error.value) and str(value) in str(error.value) and possible


def test_rates_may_be_0_for_one_of_head_and_body_and_not_for_both():
    assert TrainingSettings(head_rate=0.0).body_rate and TrainingSettings(body_rate=0.0).head_rate
    with pytest.raises(ConfigError, match='possible: above 0 where body_rate is 0'):
        TrainingSettings(head_rate=0.0, body_rate=0.0)


def test_what_switches_a_loss_or_a_limit_off_is_possible():
    off = {'training': {'target': 0.0, 'radius': math.inf, 'kappa': 0.0}, 'gate': {'class_loss': math.inf, 'scales': [1.0]},
           'watch': {'tolerance': 0.0}, 'detector': {'look_s': 0.0}, 'floor': {'least_fall': -1.0, 'kept_fall': -1.0}}
    assert from_mapping(AdapterSettings, off, 'settings').training.target == 0

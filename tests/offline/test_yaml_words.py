"""Recipes are YAML as people write it."""

from __future__ import annotations

import pytest

from offline import strict_yaml


@pytest.mark.parametrize('text, value', [
    ('{on: none}', {'on': 'none'}), ('off', 'off'), ('[yes, no, y, n]', ['yes', 'no', 'y', 'n']), ('true', True),
    ('False', False), ('6e-5', 6e-5), ('-1E3', -1000.0), ('null', None), ('12', 12), ('a6e-5', 'a6e-5')])
def test_only_true_and_false_are_truth_values_and_powers_of_ten_are_numbers(text, value):
    assert strict_yaml.load(text, 'here') == value

"""The table goes to its place in a page and leaves the rest alone."""

from __future__ import annotations

import pytest

from offline.compare.into import put_into
from uda_seg_ros.config import ConfigError


def test_only_what_stands_between_the_comments_of_the_suite_is_replaced(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('a\n<!-- compare one -->\nold\n<!-- end -->\nb\n<!-- compare two -->\n<!-- end -->\nc\n')
    put_into(page, 'one', 'new\ntable\n')
    put_into(page, 'two', 'second')
    assert page.read_text() == ('a\n<!-- compare one -->\nnew\ntable\n<!-- end -->\nb\n'
                                '<!-- compare two -->\nsecond\n<!-- end -->\nc\n')


@pytest.mark.parametrize('text', ['nothing', '<!-- compare one -->\nno end'])
def test_a_page_without_a_place_is_refused_and_left_as_it_was(tmp_path, text):
    page = tmp_path / 'page.md'
    page.write_text(text)
    with pytest.raises(ConfigError, match='no place for the table'):
        put_into(page, 'one', 'new')
    assert page.read_text() == text


def test_a_page_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'nowhere\.md: cannot be read'):
        put_into(tmp_path / 'nowhere.md', 'one', 'new')

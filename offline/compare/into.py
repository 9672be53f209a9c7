"""The table put into a page of text, between two comments that name the suite: no figure there is typed by hand."""

from __future__ import annotations

from pathlib import Path

from uda_seg_ros.config import ConfigError
from uda_seg_ros.storage.whole_file import write_text


def put_into(page: Path, suite: str, text: str) -> None:
    """Replace what stands between `<!-- compare SUITE -->` and `<!-- end -->`. suite: the file name without its ending.

    Raises ConfigError where the page has no such place.
    """
    begin, end = f'<!-- compare {suite} -->', '<!-- end -->'
    try:
        before, _, rest = page.read_text(encoding='utf-8').partition(begin)
    except OSError as error:
        raise ConfigError(f'{page}: cannot be read: {error.strerror}') from error
    _, found, after = rest.partition(end)
    if not found:
        raise ConfigError(f'{page}: there is no place for the table; put {begin} and {end} on lines of their own where it '
                          'shall stand')
    write_text(page, f'{before}{begin}\n{text.strip()}\n{end}{after}')

"""A table put into a page of text between two comments: no figure there is typed by hand."""

from __future__ import annotations

from pathlib import Path

from ..config import ConfigError
from ..storage.whole_file import write_text


def put_between(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- MARK -->` and `<!-- end -->`. Raises ConfigError where there is no such place."""
    before, begin, after = find_place(page, mark)
    write_text(page, f'{before}{begin}\n{text.strip()}\n<!-- end -->{after}')


def find_place(page: Path, mark: str) -> tuple[str, str, str]:
    """What stands before the place, its first comment, and what follows its end. Raises ConfigError where there is none."""
    begin, end = f'<!-- {mark} -->', '<!-- end -->'
    try:
        before, _, rest = page.read_text(encoding='utf-8').partition(begin)
    except OSError as error:
        raise ConfigError(f'{page}: cannot be read: {error.strerror}') from error
    _, found, after = rest.partition(end)
    if not found:
        raise ConfigError(f'{page}: there is no place for the table; put {begin} and {end} on lines of their own where it '
                          'shall stand')
    return before, begin, after

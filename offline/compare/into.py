"""Where in a page the table of a suite stands."""

from __future__ import annotations

from pathlib import Path

from uda_seg_ros.report.into import put_between


def put_into(page: Path, suite: str, text: str) -> None:
    """Replace what stands between `<!-- compare SUITE -->` and `<!-- end -->`. suite: the file name without its ending.

    Raises ConfigError where the page has no such place.
    """
    put_between(page, f'compare {suite}', text)

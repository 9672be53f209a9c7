"""What would be logged with every frame is logged now and then."""

from __future__ import annotations

from types import SimpleNamespace

from uda_seg_ros.ros import throttle
from uda_seg_ros.ros.throttle import ThrottledLog


def test_a_text_comes_again_only_after_a_while_and_numbers_make_no_other_text(monkeypatch):
    told, now_s = [], [100.0]
    logger = SimpleNamespace(**{kind: lambda text, kind=kind: told.append((kind, text)) for kind in ('warning', 'error')})
    monkeypatch.setattr(throttle, 'time', SimpleNamespace(monotonic_ns=lambda: int(now_s[0] * 1e9)))
    log = ThrottledLog(SimpleNamespace(get_logger=lambda: logger))
    log('frame 1 is bad')
    log('frame 2 is bad')
    log('another thing', warning=True)
    assert told == [('error', 'frame 1 is bad'), ('warning', 'another thing')]
    now_s[0] += throttle.THROTTLE_S + 0.1
    log('frame 3 is bad')
    assert told[-1] == ('error', 'frame 3 is bad')

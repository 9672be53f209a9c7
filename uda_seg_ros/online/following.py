"""From look to look: the target's statistics follow its key-frames, and what is served follows what the pictures say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..shift_signals import doubt
from ..structures import Weights
from .pictures import as_image

if TYPE_CHECKING:
    from .adapter import Adapter

FIRST = 3  # pictures of a new domain that its statistics start from
NOTICEABLE = 0.05  # difference in the way to the teacher below which nothing is given out


def follow(adapter: Adapter, key_frame: bool) -> Weights | None:
    """After a look. key_frame: whether it was one."""
    if adapter.course.state not in ('adapt', 'hold'):
        return None
    compare_statistics(adapter, measure(adapter, adapter.eye.last.picture) if key_frame else None)
    now, share, scale = adapter.served.now, wanted_share(adapter), adapter.served.now.scale_at(adapter.course.shift)
    if share < now.share or (share > now.share and adapter.patience.won_lately(share, adapter.clock.now_ns)):
        return _change(adapter, share)
    renewed = (key_frame and now.share > 0) or abs(scale - now.scale) >= NOTICEABLE
    if now.is_frozen or not renewed or not adapter.clock.due('renew', adapter.settings.floor.renew_s):
        return None
    return adapter.served.renew(replace(now, scale=scale, buffers=adapter.floor.buffers(now.share)))


def measure(adapter: Adapter, picture: np.ndarray) -> float | None:
    """The target's statistics take in a picture, HxWx3 uint8 RGB. The doubt with the share that they are measured behind."""
    settings = adapter.settings.floor
    if not settings.on:
        return None
    logits = adapter.floor.measure(adapter.normalise(as_image(picture, adapter.device)), settings.reference)
    return None if logits is None else float(doubt(logits.float().softmax(1)))


def compare_statistics(adapter: Adapter, measured: float | None = None) -> None:
    """How sure the frozen weights are of the last picture, with each share of the target in their statistics. measured: with
    the share that they are measured behind, where that is known.
    """
    settings = adapter.settings.floor
    if settings.on and adapter.floor.num_seen >= FIRST and adapter.clock.due('sure', settings.sure_s):
        sight = adapter.eye.last
        known = {} if measured is None else {settings.reference: measured}
        adapter.sureness.add(sight.doubt, {
            share: known[share] if share in known else
            adapter.masks.doubt({**adapter.anchor.tensors, **adapter.floor.buffers(share)}, sight.picture)
            for share in settings.shares}, adapter.served.now.share)


def wanted_share(adapter: Adapter) -> float:
    """Of the target in the statistics, by what the present pictures say."""
    return adapter.sureness.wanted(adapter.served.now.share, adapter.settings.floor.possible(adapter.course.shift))


def _change(adapter: Adapter, share: float) -> Weights:
    """At once: less, or again what a trial allowed not long ago. Learned weights stay; they have trials of their own."""
    now, sureness = adapter.served.now, adapter.sureness
    adapter.drop_trial()
    text = (f'{share:g} of the target in the statistics instead of {now.share:g}: {round(100 * sureness.fall(share))} % '
            f'instead of {round(100 * sureness.fall(now.share))} % surer of what it sees')
    adapter.journal.tell('promotion' if share > now.share else 'return', text)
    serving = replace(now, share=share, buffers=adapter.floor.buffers(share))
    return adapter.serve(serving) if share > now.share else adapter.retreat(serving)

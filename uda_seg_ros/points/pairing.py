"""Which cloud belongs to which picture: the nearest in time, within a tolerance, and the newest pair first.

A mask comes later than its picture, by as long as the network takes, and clouds go on coming meanwhile. Clouds are large:
only the newest are kept, and the one nearest to the picture in work.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

C = TypeVar('C')
M = TypeVar('M')
NEWEST_CLOUDS = 3
NEWEST_MASKS = 4  # for clouds that come later than the masks


@dataclass(frozen=True, eq=False)
class Stamped(Generic[C]):
    """A value with its time. number: counts up in the order of arrival."""

    stamp_ns: int
    number: int
    value: C


class Pairing(Generic[C, M]):
    """Clouds come from one thread, pictures and masks from another, which takes the pairs. Nobody waits.

    unmatched: clouds that were let go without a mask. nearest_ns: how far off the nearest mask was when no pair was found
    last, None if there was none to look at.
    """

    def __init__(self) -> None:
        self.unmatched = 0
        self.nearest_ns: int | None = None
        self._clouds: deque[Stamped[C]] = deque(maxlen=NEWEST_CLOUDS)
        self._held: Stamped[C] | None = None
        self._masks: deque[tuple[int, M]] = deque(maxlen=NEWEST_MASKS)
        self._expected_ns: int | None = None
        self._number = 0
        self._lock = threading.Lock()

    def add_cloud(self, stamp_ns: int, cloud: C) -> None:
        """Store a cloud that has arrived."""
        with self._lock:
            self._number += 1
            leaving = self._clouds[0] if len(self._clouds) == NEWEST_CLOUDS else None
            self._clouds.append(Stamped(stamp_ns, self._number, cloud))
            if leaving is not None:
                self._let_go(leaving)

    def expect(self, stamp_ns: int) -> None:
        """A picture is being segmented: keep the cloud nearest to it until its mask is here."""
        with self._lock:
            self.unmatched += self._held is not None
            self._expected_ns, self._held = stamp_ns, None

    def add_mask(self, stamp_ns: int, mask: M) -> None:
        """Store what was made of the picture."""
        with self._lock:
            self._masks.append((stamp_ns, mask))

    def take(self, tolerance_ns: float) -> tuple[C, M] | None:
        """The newest cloud that has a mask within the tolerance, and that mask. Older clouds are let go.

        A cloud is left waiting while another is nearer to its mask: a mask of its own may be on the way.
        """
        with self._lock:
            self.nearest_ns, clouds = None, self._waiting()
            for cloud in reversed(clouds if self._masks else []):
                stamp_ns, mask = min(self._masks, key=lambda pair: abs(pair[0] - cloud.stamp_ns))
                distance_ns = abs(stamp_ns - cloud.stamp_ns)
                if any(abs(other.stamp_ns - stamp_ns) < distance_ns for other in clouds):
                    continue
                if distance_ns <= tolerance_ns:
                    self._drop_until(cloud)
                    return cloud.value, mask
                self.nearest_ns = distance_ns if self.nearest_ns is None else min(distance_ns, self.nearest_ns)
        return None

    def clear(self) -> None:
        """Forget everything that waits."""
        with self._lock:
            self._clouds.clear()
            self._masks.clear()
            self._held = self._expected_ns = None

    def _waiting(self) -> list[Stamped[C]]:
        """In the order of arrival."""
        return [*filter(None, (self._held,)), *self._clouds]

    def _let_go(self, cloud: Stamped[C]) -> None:
        """Keep the cloud if it is the nearest yet to the picture in work."""
        if self._expected_ns is None:
            self.unmatched += 1
            return
        if self._held is None or abs(cloud.stamp_ns - self._expected_ns) < abs(self._held.stamp_ns - self._expected_ns):
            cloud, self._held = self._held, cloud
        self.unmatched += cloud is not None

    def _drop_until(self, served: Stamped[C]) -> None:
        """Forget the cloud that was served and all that arrived before it."""
        self.unmatched += sum(cloud.number < served.number for cloud in self._waiting())
        if self._held is not None and self._held.number <= served.number:
            self._held = None
        while self._clouds and self._clouds[0].number <= served.number:
            self._clouds.popleft()

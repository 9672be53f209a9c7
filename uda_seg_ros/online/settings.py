"""Every setting of the adapter; the nouns are those of the parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .possible import ABOVE_0, PART, Possible, at_least, below, check, require, within

FEWEST = 4  # crops, or key-frames: the bootstrap over fewer draws bounds that are none


class AdaptationError(ValueError):
    """Adaptation cannot start or go on. The text says why and what to do."""


@dataclass(frozen=True)
class DetectorSettings:
    """look_s: least time between two looks of the frozen network. thin_s: least time between two samples of the tests.

    fire: limit of the martingale. cusum: limit of the cumulative sum. calm: looks in a row below shift score `normal` after
    which the frozen network is served again. alarm: as many above it bring back what was served before, and twice as many
    each time that happens again before the return has settled. settled: looks of mean u below 0.6 that end the return.
    """

    look_s: float = 0.5
    thin_s: float = 1.0
    fire: float = 100.0
    cusum: float = 6.0
    normal: float = 1.0
    calm: int = 1
    alarm: int = 2
    settled: int = 20

    def __post_init__(self) -> None:
        check(self, look_s=at_least(0), thin_s=at_least(0), fire=at_least(1), cusum=at_least(0), normal=ABOVE_0,
              calm=at_least(1), alarm=at_least(1), settled=at_least(1))


@dataclass(frozen=True)
class FloorSettings:
    """on: False leaves the source's statistics alone. shares: of the target in the statistics that may be served. per_shift:
    most share for each unit of the shift score; the least of the shares is always possible. rate: weight of a new key-frame.
    reference: share that statistics are measured behind, whatever is served; behind another share they would be others.

    looks: over which the doubt on the target's own pictures is averaged, sure_s apart at least; fewest: that tell
    anything. As a part of the doubt, least_fall: from which a share is tried, kept_fall: below which it is given up,
    more_fall: that a larger share needs beyond a smaller one's, half of it to stay. steady: looks at one share before a
    larger one.

    crops: labelled ones, in the present style, of a trial. most_loss: part of their mIoU that a share may cost: source in
    other colours is not the target, and such crops lose by what a real dusk gains; what collapses loses more. trusted_s:
    time after a trial that was won in which a share is served again without another, and after which it is tried anew.
    refresh_s: wait after a trial that was lost; it doubles, up to `longer` times, with every one in a row. renew_s: least
    time between weights that only follow what is seen.
    """

    on: bool = True
    shares: tuple[float, ...] = (0.25, 0.5)
    per_shift: float = 0.25
    rate: float = 0.15
    reference: float = 0.5
    looks: int = 5
    fewest: int = 3
    sure_s: float = 1.0
    least_fall: float = 0.08
    kept_fall: float = 0.04
    more_fall: float = 0.1
    steady: int = 6
    crops: int = 16
    most_loss: float = 0.5
    trusted_s: float = 60.0
    refresh_s: float = 10.0
    longer: int = 3
    renew_s: float = 2.0

    def __post_init__(self) -> None:
        check(self, shares=PART, per_shift=below(math.inf), rate=within(0, 1), reference=within(0, 1), looks=at_least(1),
              fewest=at_least(1), sure_s=at_least(0), steady=at_least(0), crops=at_least(1), most_loss=at_least(0),
              trusted_s=ABOVE_0, refresh_s=ABOVE_0, longer=at_least(0), renew_s=at_least(0))
        require(self.fewest <= self.looks, 'fewest', self.fewest, f'at most {self.looks}, the looks')
        require(self.kept_fall <= self.least_fall, 'kept_fall', self.kept_fall, f'at most {self.least_fall}, the least_fall')

    def possible(self, shift: float) -> tuple[float, ...]:
        """The shares that may be served at a shift score."""
        return tuple(share for share in self.shares if self.on and share <= max(self.per_shift * shift, min(self.shares)))


@dataclass(frozen=True)
class MemorySettings:
    """size: key-frames to train on. held_out: the last ones kept to judge with; one in `hold_every`, 2 or more, goes there.
    key_frames: False takes every picture in. cosine: a picture whose embedding is nearer than this to one of the last
    `against` key-frames is none. recent: pictures that lend their style.
    """

    key_frames: bool = True
    size: int = 64
    held_out: int = 12
    hold_every: int = 5
    cosine: float = 0.995
    against: int = 8
    recent: int = 6

    def __post_init__(self) -> None:
        check(self, size=at_least(1), held_out=at_least(1), hold_every=at_least(2), cosine=ABOVE_0, against=at_least(1),
              recent=at_least(1))


@dataclass(frozen=True)
class TrainingSettings:
    """on: False leaves the floor alone. restyle: whether every other source crop takes the target's colours. leash: False
    lets the weights go, without kappa and radius. views: scales at which the frozen network labels the target, each
    mirrored as well, relative to the size at which the source was learned; none above largest_view, relative to the input.
    part: of each side of the network's input, that a step trains on. crop: (height, width) at most where that has more
    pixels. head_rate: learning rate of head and norms, body_rate: of the rest. steps: least and most per detected shift;
    steps_per_shift: so many for each unit of the shift score. kappa: pull towards the frozen weights after a step. radius:
    most deviation of a group of weights, as a share of its norm. decay: of the teacher. The weights of the losses: clean,
    restyled, target. first_key_frames: fewest to train on.
    """

    on: bool = True
    restyle: bool = True
    leash: bool = True
    views: tuple[float, ...] = (0.75, 1.25)
    largest_view: float = 1.5
    crop: tuple[int, int] = (384, 640)
    part: float = 1.0
    head_rate: float = 5e-4
    body_rate: float = 3e-4
    steps: tuple[int, int] = (100, 1500)
    steps_per_shift: float = 300.0
    kappa: float = 1e-3
    radius: float = 0.05
    decay: float = 0.9
    clean: float = 1.0
    restyled: float = 1.0
    target: float = 2.0
    first_key_frames: int = 3

    def __post_init__(self) -> None:
        scale, finite = within(0.25, 4), below(math.inf)
        check(self, views=scale, largest_view=scale, crop=at_least(32), part=PART, head_rate=finite, body_rate=finite,
              steps=at_least(0), steps_per_shift=finite, kappa=within(0, 1), radius=ABOVE_0, decay=below(1),
              clean=finite, restyled=finite, target=finite, first_key_frames=at_least(0))
        require(self.head_rate + self.body_rate > 0, 'head_rate', self.head_rate, 'above 0 where body_rate is 0')
        require(0 < self.steps[1] >= self.steps[0], 'steps', self.steps, 'the least and then the most, which is above 0')

    def crop_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of what a step trains on. size: of the network's input."""
        sides = tuple(side if self.part == 1 else max(32, round(side * self.part / 32) * 32) for side in size)
        return sides if math.prod(sides) <= math.prod(self.crop) else tuple(map(min, sides, self.crop))

    def scales_of(self, size: tuple[int, int], learned: tuple[int, int]) -> tuple[float, ...]:
        """Of the views. size: (height, width) of the network's input, learned: of the source's pictures."""
        scales = [view * learned[0] / size[0] for view in self.views]
        return tuple(scale for scale in scales if scale <= self.largest_view) or (self.largest_view,)

    def label_every(self, size: tuple[int, int], learned: tuple[int, int]) -> int:
        """Training steps from one key-frame that the views look at to the next: they cost half of the steps at most."""
        label = sum(2 * scale ** 2 for scale in self.scales_of(size, learned))
        step = 6 * math.prod(self.crop_of(size)) / math.prod(size)  # two crops, there and back
        return max(2, math.ceil(2 * label / step))

    @property
    def most_deviation(self) -> float:
        """Of a group of weights that may be served, as a share of its norm."""
        return self.radius if self.leash else float('inf')


@dataclass(frozen=True)
class GateSettings:
    """on: False serves every candidate untried. every: training steps between two trials. crops: of the gate set in each,
    clean and restyled; the halves of the set take turns. target: held-out key-frames. scales: shares of the way from frozen
    to teacher that may be served, largest first; a shift begins with the second. In points of mIoU: clean_loss and
    restyled_loss: most at the lower bound, class_loss: most IoU of a class, least_gain: mean over what is served, on
    restyled crops or on key-frames as the views see them, least_won: mean on restyled crops over frozen weights with the
    same statistics, beyond what is won on clean crops as well, much_won: lower bound that needs no such difference;
    least_seen: mean over the same weights on key-frames as the views see them, which is as good. plateau: gains below it,
    twice, end the training. rejections in a row that restart the student. rollbacks in `window_s` that lock adaptation for
    safe_s; those that were asked for do not count. valid_s: time without a passed trial after which the way to the frozen
    halves. review_s: time between two trials of what is served, while nothing is trained.
    """

    on: bool = True
    every: int = 25
    crops: int = 16
    target: int = 8
    scales: tuple[float, ...] = (1.0, 0.5, 0.25)
    clean_loss: float = 1.0
    restyled_loss: float = 0.3
    class_loss: float = 5.0
    least_gain: float = 0.1
    least_won: float = 1.0
    much_won: float = 1.5
    least_seen: float = 0.5
    plateau: float = 0.2
    rejections: int = 3
    rollbacks: int = 3
    window_s: float = 600.0
    safe_s: float = 300.0
    valid_s: float = 300.0
    review_s: float = 60.0

    def __post_init__(self) -> None:
        check(self, every=at_least(1), crops=at_least(FEWEST), target=at_least(1), scales=PART, clean_loss=at_least(0),
              restyled_loss=at_least(0), class_loss=at_least(0), rejections=at_least(1), rollbacks=at_least(1),
              window_s=ABOVE_0, safe_s=at_least(0), valid_s=ABOVE_0, review_s=ABOVE_0)
        require(self.scales == tuple(sorted(set(self.scales), reverse=True)), 'scales', self.scales, 'the largest first')


@dataclass(frozen=True)
class WatchSettings:
    """on: False takes nothing back after it is served. limit: of the e-process. tolerance: pixel error, as a share, by which
    served may be worse than frozen. lost_looks: looks in a row that a class is gone before the weights are.
    """

    on: bool = True
    limit: float = 100.0
    tolerance: float = 0.01
    lost_looks: int = 3

    def __post_init__(self) -> None:
        check(self, limit=Possible('above 1', lambda value: value > 1), tolerance=below(0.1), lost_looks=at_least(1))


@dataclass(frozen=True)
class AdapterSettings:
    """All parts'."""

    detector: DetectorSettings = field(default_factory=DetectorSettings)
    floor: FloorSettings = field(default_factory=FloorSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)

    def __post_init__(self) -> None:
        fewest = self.training.first_key_frames
        require(self.memory.size >= fewest, 'memory.size', self.memory.size, f'at least {fewest}, training.first_key_frames')


DEFAULTS = AdapterSettings()

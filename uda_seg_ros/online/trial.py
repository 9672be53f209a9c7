"""A trial: some sets of weights judged on the same crops, in pieces of one crop each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from ..metrics import confusion
from ..replay import Crop
from ..shift_signals import doubt
from .pictures import Normalise, as_image, restyled
from .serving import Tensors
from .settings import FEWEST

SHRINK = 2  # masks are compared at half the network's size: finer than most networks' stride, and a quarter of the work
DRAWS = 200
FROZEN = 'frozen'


class Gain(NamedTuple):
    """In points of mIoU. low: what the true gain exceeds with the confidence asked for."""

    mean: float
    low: float


class Shown(NamedTuple):
    """A picture of the target. picture: HxWx3 uint8 RGB. label: HxW uint8, what the frozen network's views say of it."""

    picture: np.ndarray
    label: np.ndarray | None = None


class Masks:
    """Runs any set of tensors through one network."""

    def __init__(self, network: nn.Module, normalise: Normalise, device: torch.device) -> None:
        self._network, self._normalise, self._device = network, normalise, device

    @torch.inference_mode()
    def __call__(self, tensors: Tensors, picture: np.ndarray, style: np.ndarray | None = None) -> np.ndarray:
        """hxw uint8 train ids at 1/SHRINK. style: whose colours the picture takes."""
        logits = self.logits(tensors, picture, style, size=tuple(side // SHRINK for side in picture.shape[:2]))
        return logits[0].argmax(0).to(torch.uint8).cpu().numpy()

    @torch.inference_mode()
    def doubt(self, tensors: Tensors, picture: np.ndarray) -> float:
        """0 to 1, measured as the frozen network's look measures it."""
        return float(doubt(self.logits(tensors, picture).float().softmax(1)))

    def logits(self, tensors: Tensors, picture: np.ndarray, style: np.ndarray | None = None,
               seen: Callable[[torch.Tensor], torch.Tensor] = lambda image: image,
               size: tuple[int, int] | None = None) -> torch.Tensor:
        """1Chw of a picture HxWx3 uint8 RGB. seen: makes of the image what the network sees. size: (h, w), None: its own."""
        image = as_image(picture, self._device)
        if style is not None:
            generator = torch.Generator(self._device).manual_seed(0)  # the same grain for all that are compared
            image = restyled(image, as_image(style, self._device), generator=generator)
        return functional_call(self._network, dict(tensors), (self._normalise(seen(image)), size))


class Trial:
    """cases: name -> tensors. parts: which names are tried on 'clean' and 'restyled' gate crops and on 'target' pictures.

    kind: what it decides, for the adapter. facts: plain values that the decision needs. confusions: (part, name) -> one
    matrix a crop, or a target picture that has a label. masks: name -> one mask a target picture.
    """

    def __init__(self, kind: str, cases: Mapping[str, Tensors], parts: Mapping[str, Sequence[str]], crops: Sequence[int],
                 styles: Sequence[np.ndarray], target: Sequence[Shown], facts: Mapping[str, float | str]) -> None:
        self.kind, self.cases, self.facts = kind, dict(cases), dict(facts)
        self._parts = {part: list(names) for part, names in parts.items()}
        self._styles, self._target = list(styles), list(target)
        self._items = [(part, number) for part in parts for number in (range(len(target)) if part == 'target' else crops)]
        self._position = 0
        self.confusions = {(part, name): [] for part, names in parts.items() for name in names}
        self.masks: dict[str, list[np.ndarray]] = {name: [] for name in self._parts.get('target', ())}

    @property
    def done(self) -> bool:
        return self._position == len(self._items)

    def piece(self, masks: Masks, crop: Sequence[Crop], num_classes: int,
              known: dict[int, np.ndarray] | None = None) -> None:
        """One crop, through every set of weights. crop: the gate set, fitted to the network's size. known: confusions of the
        frozen weights on clean crops, by number: they never change, and are added here.
        """
        part, number = self._items[self._position]
        if part == 'target':
            picture, label = self._target[number]
            for name, same in self._names(part):
                mask = masks(self.cases[name], picture) if same is None else self.masks[same][-1]
                self.masks[name].append(mask)
                if label is not None:
                    self.confusions[part, name].append(confusion(shrunk(label), mask, num_classes))
        else:
            image, label = crop[number]
            style = self._styles[self._position % len(self._styles)] if part == 'restyled' else None
            label = shrunk(label)
            known = {} if known is None else known
            for name, same in self._names(part):
                if same is not None:
                    found = self.confusions[part, same][-1]
                elif (part, name) == ('clean', FROZEN) and number in known:
                    found = known[number]
                else:
                    found = confusion(label, masks(self.cases[name], image, style), num_classes)
                if (part, name) == ('clean', FROZEN):
                    known[number] = found
                self.confusions[part, name].append(found)
        self._position += 1

    def _names(self, part: str) -> list[tuple[str, str | None]]:
        """Those that are tried in a part, each with an earlier one of the very same tensors, whose outcome is its own."""
        names = self._parts[part]
        return [(name, next((other for other in names[:place] if self.cases[other] is self.cases[name]), None))
                for place, name in enumerate(names)]

    def miou(self, part: str, name: str) -> float:
        """In points; NaN without a labelled pixel."""
        return float(_miou(np.sum(self.confusions[part, name], axis=0)[None])[0])

    def iou(self, part: str, name: str) -> np.ndarray:
        """Of each class in points, NaN for classes without labels."""
        return _iou(np.sum(self.confusions[part, name], axis=0)[None])[0]

    def gain(self, part: str, name: str, over: str, risk: float) -> Gain:
        """Paired bootstrap over the crops of summed confusion matrices. risk: share of draws below `low`.

        Crops without a labelled pixel count for nothing: a draw of nothing else would have no mIoU. Where fewer than FEWEST
        are left they tell nothing.
        """
        pairs = [pair for pair in zip(self.confusions[part, name], self.confusions[part, over]) if pair[0].any()]
        if len(pairs) < FEWEST:
            return Gain(0.0, float('-inf'))
        first, second = (np.stack(matrices).astype(np.float64) for matrices in zip(*pairs))
        rng = np.random.default_rng(len(first))
        counts = rng.multinomial(len(first), np.full(len(first), 1 / len(first)), DRAWS).astype(np.float64)
        drawn = [_miou(np.tensordot(counts, matrices, 1)) for matrices in (first, second)]
        return Gain(self.miou(part, name) - self.miou(part, over), float(np.quantile(drawn[0] - drawn[1], risk)))

    def state_dict(self) -> dict:
        return {'kind': self.kind, 'cases': self.cases, 'facts': self.facts, 'parts': self._parts,
                'position': self._position,
                'styles': [torch.from_numpy(style) for style in self._styles],
                'target': [tuple(None if each is None else torch.from_numpy(each) for each in shown)
                           for shown in self._target],
                'items': list(self._items),
                'confusions': {key: [torch.from_numpy(each) for each in per_crop]
                               for key, per_crop in self.confusions.items()},
                'masks': {name: [torch.from_numpy(each) for each in masks] for name, masks in self.masks.items()}}

    @staticmethod
    def of(state: Mapping) -> Trial:
        target = [Shown(*(None if each is None else each.numpy() for each in shown)) for shown in state['target']]
        trial = Trial(state['kind'], state['cases'], state['parts'], (), [style.numpy() for style in state['styles']],
                      target, state['facts'])
        trial._items, trial._position = [tuple(item) for item in state['items']], state['position']
        trial.confusions = {tuple(key): [each.numpy() for each in per_crop] for key, per_crop in state['confusions'].items()}
        trial.masks = {name: [each.numpy() for each in masks] for name, masks in state['masks'].items()}
        return trial


def shrunk(label: np.ndarray) -> np.ndarray:
    """At the size of the masks that are compared."""
    return label[SHRINK // 2::SHRINK, SHRINK // 2::SHRINK]


def _iou(matrices: np.ndarray) -> np.ndarray:
    """NxC of NxCx(C+1), in points; NaN for a class without labels."""
    num_classes = matrices.shape[1]
    hit = np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64)
    labelled = matrices.sum(2)
    union = labelled + matrices[..., :num_classes].sum(1) - hit
    return np.where(labelled > 0, 100 * hit / np.maximum(union, 1), np.nan)


def _miou(matrices: np.ndarray) -> np.ndarray:
    return np.nanmean(_iou(matrices), axis=1)

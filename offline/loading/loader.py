"""Source and target side by side, without end. The batch of a step follows from (seed, rank, world size, step) alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from .. import recipe
from ..datasets.base import Dataset, DatasetError
from ..datasets.label_files import read_ids
from ..samples import Batch
from .class_statistics import class_pixels
from .crops import Window, cut_image, cut_label, random_window, resized_image
from .pictures import Pictures, RecentlyUsed
from .rare_classes import RareClasses

STRIDE = 32  # sides of whole target pictures are multiples of it, for any network
TRIES = 10  # crops that are drawn at most until one suits (DAFormer)
SOURCE_ORDER, TARGET_ORDER, SOURCE_CROP, TARGET_CROP = range(4)  # streams of random numbers that must not meet


class Loader:
    """Batches for training. Position in the data is the step's number, so resuming is asking for another first step.

    Every picture of a side comes once before any comes again, in another order each time, dealt out to the ranks in turn;
    with rare-class sampling the source is drawn instead. Labels of the target's data sets are never asked for.
    """

    def __init__(self, source: Sequence[Dataset], target: Sequence[Dataset], settings: recipe.Loader, seed: int,
                 rank: int = 0, world_size: int = 1, target_labels: Path | None = None) -> None:
        """target_labels: folder of pseudo-labels NNNNNN.png, one for each of `target_images`, of its size, uint8 train ids.

        Raises DatasetError if the source lacks labels, a side that must not be is empty, or pseudo-labels are missing.
        """
        self.settings, self.seed, self.rank, self.world_size = settings, seed % 2**32, rank, world_size
        cache = RecentlyUsed(settings.cache_mb * 2**20 // max(1, settings.workers))
        self._source = Pictures(tuple(source), settings.source_height, cache)
        self._target = Pictures(tuple(target), settings.target_height, cache)
        self._target_labels, self._cache = target_labels, cache
        self._orders: dict[int, tuple[int, np.ndarray]] = {}
        self._check()
        self._rare = self._rare_classes()

    def batches(self, first_step: int, last_step: int | None = None) -> Iterator[Batch]:
        """The batches of the steps first_step up to, not including, last_step; None goes on for ever.

        uint8 on the CPU, in pinned memory where there is CUDA. Raises DatasetError naming the file that cannot be read.
        """
        steps, pin = count(first_step) if last_step is None else range(first_step, last_step), torch.cuda.is_available()
        if not self.settings.workers:
            for step in steps:
                batch = self.batch(step)
                yield batch.pin_memory() if pin else batch
            return
        # A generator of its own: torch would draw the workers' seeds from the global one, which belongs to the training.
        for loaded in DataLoader(_Steps(self), batch_size=None, sampler=steps, num_workers=self.settings.workers,
                                 pin_memory=pin, worker_init_fn=_start_worker, generator=torch.Generator()):
            if isinstance(loaded, Exception):
                raise loaded
            yield loaded

    def batch(self, step: int) -> Batch:
        """The batch of one step of this rank."""
        source_image, source_label = self._empty()
        target_image, target_label = self._empty()
        for place in range(self.settings.batch):
            position = (step * self.settings.batch + place) * self.world_size + self.rank
            self._put_source(position, source_image[place], source_label[place])
            if len(self._target):
                self._put_target(position, target_image[place], target_label[place])
        return Batch(_image(source_image), torch.from_numpy(source_label),
                     _image(target_image) if len(self._target) else None,
                     torch.from_numpy(target_label) if self._target_labels else None)

    def target_images(self) -> Iterable[torch.Tensor]:
        """The whole target set once, in order, each uint8 1x3xHxW at target_height; may be iterated again.

        Of sides that are no multiple of STRIDE an edge is cut off, evenly on both ends.
        """
        return _TargetImages(self)

    def target_picture(self, index: int) -> np.ndarray:
        """HxWx3 uint8: one of `target_images`."""
        return _in_strides(self._target.image(index))

    @property
    def num_target(self) -> int:
        return len(self._target)

    def _put_source(self, position: int, image_out: np.ndarray, label_out: np.ndarray) -> None:
        random = np.random.default_rng((self.seed, SOURCE_CROP, position))
        wanted, index = (None, self._at(SOURCE_ORDER, position)) if self._rare is None else self._rare.draw(random)
        image, label = self._source.labelled(index)
        for _ in range(TRIES):
            window = self._window(image, random)
            part = cut_label(label, window, self.settings.crop)
            if self._suits(part, wanted):
                break
        label_out[:] = part
        cut_image(image, window, image_out)

    def _put_target(self, position: int, image_out: np.ndarray, label_out: np.ndarray) -> None:
        random, index = np.random.default_rng((self.seed, TARGET_CROP, position)), self._at(TARGET_ORDER, position)
        image = self._target.image(index) if self._target_labels is None else self.target_picture(index)
        window = self._window(image, random)
        cut_image(image, window, image_out)
        if self._target_labels is not None:
            label_out[:] = cut_label(self._target_label(index, image.shape[:2]), window, self.settings.crop)

    def _window(self, image: np.ndarray, random: np.random.Generator) -> Window:
        return random_window(image.shape[:2], self.settings.crop, self.settings.scale, random)

    def _suits(self, label: np.ndarray, wanted: int | None) -> bool:
        """Whether a source crop holds enough of the class wanted, and not too much of any one class."""
        greatest = self.settings.cat_max_ratio
        if wanted is None and greatest is None:
            return True
        pixels = np.bincount(label.ravel(), minlength=256)[:255]
        return (wanted is None or pixels[wanted] > self._rare.needed) and (
            greatest is None or pixels.max() < greatest * max(1, pixels.sum()))

    def _target_label(self, index: int, size: tuple[int, int]) -> np.ndarray:
        path = self._target_labels / f'{index:06d}.png'
        label, = self._cache.get(path, lambda: (read_ids(path),))
        if label.shape != size:
            raise DatasetError(f'{path}: {label.shape[1]}x{label.shape[0]} pixels, but its picture has {size[1]}x{size[0]}')
        return label

    def _at(self, side: int, position: int) -> int:
        """Number of the picture at a position of a side's endless order."""
        length = len(self._source if side == SOURCE_ORDER else self._target)
        epoch, place = divmod(position, length)
        if self._orders.get(side, (None,))[0] != epoch:
            self._orders[side] = epoch, np.random.default_rng((self.seed, side, epoch)).permutation(length)
        return int(self._orders[side][1][place])

    def _empty(self) -> tuple[np.ndarray, np.ndarray]:
        shape = (self.settings.batch, *self.settings.crop)
        return np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8)

    def _rare_classes(self) -> RareClasses | None:
        if self.settings.rare_class_temperature is None:
            return None
        counted = [class_pixels(dataset).at_height(self.settings.source_height) for dataset in self._source.datasets]
        return RareClasses(np.concatenate(counted), self.settings.rare_class_temperature, self.settings.crop)

    def _check(self) -> None:
        for dataset in self._source.datasets:
            dataset.check_labels()
        if not len(self._source):
            raise DatasetError('source: no data set, or none with pictures')
        if self._target.datasets and not len(self._target):
            raise DatasetError('target: no pictures in its data sets')
        if self._target_labels is None:
            return
        missing = [index for index in range(len(self._target)) if not (self._target_labels / f'{index:06d}.png').is_file()]
        if missing or not len(self._target):
            raise DatasetError(f'{self._target_labels}: {len(missing)} of {len(self._target)} pseudo-labels are missing, '
                               f'{missing[0] if missing else 0:06d}.png is the first')


class _Steps(torch.utils.data.Dataset):
    """What worker processes run: a step's number in, its batch out, or the error, which there would lose its one line."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getitem__(self, step: int) -> Batch | Exception:
        try:
            return self._loader.batch(step)
        except (ValueError, OSError) as error:
            return error


class _TargetImages:
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __len__(self) -> int:
        return self._loader.num_target

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (_image(np.ascontiguousarray(self._loader.target_picture(index))[None]) for index in range(len(self)))


def _start_worker(number: int) -> None:
    cv2.setNumThreads(0)  # as many processes as the recipe says, each one thread


def _image(array: np.ndarray) -> torch.Tensor:
    """BxHxWx3 to B3HW without moving a byte, which leaves the channels last in memory."""
    return torch.from_numpy(np.require(array, requirements='W')).permute(0, 3, 1, 2)  # mapped arrays are read-only


def _in_strides(image: np.ndarray) -> np.ndarray:
    """The middle of a picture, its sides multiples of STRIDE; a picture that is too small for that is enlarged."""
    image = resized_image(image, tuple(max(STRIDE, side) for side in image.shape[:2]))
    rows, columns = (side // STRIDE * STRIDE for side in image.shape[:2])
    return Window((image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2, rows, columns).of(image)

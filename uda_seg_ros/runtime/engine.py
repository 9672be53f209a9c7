"""Frames in, segmentations out: the network of a bundle made ready to run, its weights replaceable between frames."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import torch

from ..structures import Frame, Segmentation, Weights
from .fold import fold_norms, folded
from .postprocess import Answer, Postprocessor, Want, on_device
from .preprocess import Preprocessor

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..models import SegmentationModel


URGENT, PATIENT = -1, 0  # priorities of CUDA streams: the lower number goes first, and PyTorch knows these two


class EngineError(RuntimeError):
    """The engine cannot do what was asked. The text says what, why, and what to do."""


class EngineOutOfMemory(EngineError):
    """The GPU's memory did not suffice for a frame. Its cache has been freed: the next call may well succeed."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Weights as an engine's network holds them. tensors: by the names of the folded network."""

    version: int
    tensors: Mapping[str, torch.Tensor]


class Engine:
    """Runs a bundle's network on frames. Calls from several threads wait for each other.

    labels: the bundle's label space. device, precision ('fp32', 'fp16', 'bf16'): where and how the network computes.
    weights_version: of the weights that the next frame sees, 0 for the bundle's. threshold: pixels of less confidence
    (0..1) become IGNORE; it may be set between frames, as may output_size.
    """

    def __init__(self, bundle: Bundle, *, device: str = 'auto', half: bool = False, size: tuple[int, int] | None = None,
                 threads: int = 1, threshold: float = 0.0, output_size: str = 'input', urgent: bool = True) -> None:
        """device: 'auto' (CUDA if there is one), 'cpu', 'cuda' or 'cuda:N'. half: fp16 on CUDA, bf16 on a CPU.

        size: (height, width) of the network's input, whatever the picture's aspect, instead of the bundle's. threads: of a
        CPU, for the whole process. urgent: on CUDA frames go before all work of this process that is not; False computes on
        the caller's stream.
        Raises EngineError if the device is not there, ValueError for an impossible output_size.
        """
        self.labels = bundle.labels
        self.device = choose_device(device)
        self.threshold = threshold
        self.output_size = output_size
        self.weights_version = 0
        self._preprocess = bundle.preprocess
        if size is not None:
            self._preprocess = dataclasses.replace(bundle.preprocess, height=size[0], width=size[1], keep_aspect=False)
        dtype = (torch.float16 if self.device.type == 'cuda' else torch.bfloat16) if half else torch.float32
        self.precision = {torch.float32: 'fp32', torch.float16: 'fp16', torch.bfloat16: 'bf16'}[dtype]
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        self._queue, self._lock = threading.Lock(), threading.Lock()
        self._stream = torch.cuda.Stream(self.device, URGENT) if urgent and self.device.type == 'cuda' else None
        network = bundle.network().requires_grad_(False)
        self._multiple = network.multiple
        self._shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        self._folds = fold_norms(network)
        network.load_state_dict(folded(bundle.tensors, self._folds))
        with self._memory_errors():
            self._network = network.to(self.device, dtype, memory_format=torch.channels_last)
            self._preprocessor = Preprocessor(self._preprocess.mean, self._preprocess.std, self.device, dtype)
        self._postprocessor = Postprocessor()

    @property
    def output_size(self) -> str:
        """'input' (masks as large as the frame), 'network' (as its input) or 'WxH' in pixels."""
        return self._output if isinstance(self._output, str) else '{1}x{0}'.format(*self._output)

    @output_size.setter
    def output_size(self, text: str) -> None:
        self._output = parse_output_size(text)

    def __call__(self, frame: Frame, *, confidence: bool = True, entropy: bool = False) -> Segmentation:
        """Segment one frame. Raises as `batch` does."""
        return self.batch([frame], confidence=confidence, entropy=entropy)[0]

    def batch(self, frames: Sequence[Frame], *, confidence: bool = True, entropy: bool = False) -> list[Segmentation]:
        """Segment frames, those of one size together, all with the same weights. Returns one answer a frame, in order.

        Raises EngineError for a picture that is not HxWx3 uint8 or after close(), EngineOutOfMemory when the GPU's memory
        does not suffice.
        """
        for frame in frames:
            _check_picture(frame)
        want = Want(confidence, entropy, self.threshold)
        answers: dict[int, Segmentation] = {}
        with self._alone(), torch.inference_mode(), self._memory_errors():
            for indices in _of_one_size(frames):
                together = self._segment([frames[index] for index in indices], want)
                answers.update(zip(indices, together))
        return [answers[index] for index in range(len(frames))]

    def _segment(self, frames: list[Frame], want: Want) -> list[Segmentation]:
        height, width = frames[0].image.shape[:2]
        inner = self.network_size(height, width)
        output = self._output
        size = {'input': (height, width), 'network': inner}.get(output, output)
        preprocess, network, postprocess = self.stages()
        logits = network(preprocess([frame.image for frame in frames], inner))
        return [Segmentation(*postprocess(of_frame, size, want), frame.stamp_ns, frame.camera, self.weights_version)
                for frame, of_frame in zip(frames, logits)]

    def stages(self) -> tuple[Preprocessor, SegmentationModel, Callable[..., Answer]]:
        """What a frame runs through, without the lock, for whoever times the stages one by one.

        preprocess(pictures, size) -> image_B3hw; network(image_B3hw) -> logits_BChw; postprocess(logits_Chw, size, want).
        """
        if self._network is None:
            raise EngineError('the engine is closed; make a new one')
        return self._preprocessor, self._network, on_device if self.device.type == 'cuda' else self._postprocessor

    def network_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the network's input for a picture of height x width pixels."""
        return self._preprocess.network_size(height, width, self._multiple)

    def load_weights(self, weights: Weights | Prepared) -> None:
        """Replace the network's tensors between two frames: all of them, or none with an EngineError.

        weights: the tensors of the bundle's network, by name and shape, every value finite; or what `prepare` made of them,
        which leaves a copy of a fraction of a millisecond.
        """
        prepared = weights if isinstance(weights, Prepared) else self.prepare(weights)
        with self._alone(), torch.no_grad():
            for name, tensor in self._state().items():
                tensor.copy_(prepared.tensors[name])
                if tensor.is_cuda:  # another stream may have made it: its memory must not be given away before the copy is
                    prepared.tensors[name].record_stream(torch.cuda.current_stream(tensor.device))
            self.weights_version = prepared.version

    def prepare(self, weights: Weights) -> Prepared:
        """Weights checked, folded, converted and uploaded, in whatever thread: no frame waits. Raises EngineError."""
        where = f'weights version {weights.version}'
        _check_shapes(weights.tensors, self._shapes, where)
        with self._memory_errors():
            ready, own = folded(weights.tensors, self._folds), self._state()
            for name, tensor in ready.items():
                ready[name] = tensor.detach().to(own[name].device, own[name].dtype)
                if not torch.isfinite(ready[name]).all():
                    raise EngineError(f'{where}: tensor {name!r} is not finite in {self.precision}; nothing was replaced')
        return Prepared(weights.version, ready)

    def _state(self) -> dict[str, torch.Tensor]:
        return self.stages()[1].state_dict()

    def close(self) -> None:
        """Let go of the tensors. Waits for the frame in work; afterwards only close() may be called."""
        with self._alone():
            self._network = self._preprocessor = self._postprocessor = None
        if self.device.type == 'cuda':
            torch.cuda.empty_cache()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """For a batch, or while weights are copied: a frame sees one version only, and goes first on a GPU."""
        with self._queue:  # whoever waits for the lock holds up the queue: an endless stream of frames starves nobody
            self._lock.acquire()
        try:
            with self._first():
                yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _first(self) -> Iterator[None]:
        """On the engine's own stream, after what the caller's has begun, and before what the caller's goes on with."""
        if self._stream is None:
            yield
            return
        callers = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(callers)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            callers.wait_stream(self._stream)

    @contextlib.contextmanager
    def _memory_errors(self) -> Iterator[None]:
        try:
            yield
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise EngineOutOfMemory(f'{self.device}: out of memory; use a smaller input size or half precision') from error


def choose_device(name: str) -> torch.device:
    """The torch device for 'auto', 'cpu', 'cuda' or 'cuda:N'. Raises EngineError if it does not exist here."""
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    if name == 'cpu':
        return torch.device('cpu')
    match = re.fullmatch(r'cuda(?::(\d+))?', name)
    if match is None:
        raise EngineError(f"device {name!r} is not possible; possible: 'auto', 'cpu', 'cuda', 'cuda:N'")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(match[1] or 0) >= count:
        raise EngineError(f"device {name!r} is not here ({count} CUDA devices found); use 'auto' or 'cpu'")
    return torch.device(name)


def parse_output_size(text: str) -> tuple[int, int] | Literal['input', 'network']:
    """'input', 'network', or (height, width) of 'WxH'. Raises ValueError for anything else."""
    if text in ('input', 'network'):
        return text
    match = re.fullmatch(r'([1-9]\d{0,4})x([1-9]\d{0,4})', text)
    if match is None:
        raise ValueError(f"output_size {text!r} is not possible; possible: 'input', 'network', or WxH such as '640x480'")
    return int(match[2]), int(match[1])


def _check_picture(frame: Frame) -> None:
    image = frame.image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise EngineError(f'a frame must be HxWx3 uint8 RGB, got {image.dtype} of shape {image.shape}')


def _of_one_size(frames: Sequence[Frame]) -> list[list[int]]:
    """Indices of the frames, those of one size together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, frame in enumerate(frames):
        groups.setdefault(frame.image.shape, []).append(index)
    return list(groups.values())


def _check_shapes(tensors: Mapping[str, torch.Tensor], needed: Mapping[str, torch.Size], where: str) -> None:
    """Raise EngineError unless names and shapes are those needed."""
    missing, surplus = needed.keys() - tensors.keys(), tensors.keys() - needed.keys()
    if missing or surplus:
        kind, names = ('missing', missing) if missing else ('unknown', surplus)
        raise EngineError(f'{where}: {kind} tensor {min(names)!r} ({len(names)} in all)')
    for name, tensor in tensors.items():
        if tensor.shape != needed[name]:
            raise EngineError(f'{where}: tensor {name!r} has shape {tuple(tensor.shape)}, needed: {tuple(needed[name])}')

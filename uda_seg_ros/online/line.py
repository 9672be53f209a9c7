"""Messages over a socket that keeps them whole. Large contents travel beside, as sealed memory that nobody can change."""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import socket
import sys
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import load, save

from ..structures import Frame, Weights
from .messages import Closed, Snapshot

LARGEST = 1 << 17  # bytes of a message; what is larger belongs beside it


@dataclass(frozen=True)
class FrameNote:
    """A frame lies in the shared memory. shape: HxWx3."""

    shape: tuple[int, ...]
    stamp_ns: int
    camera: str


@dataclass(frozen=True)
class WeightsNote:
    """Weights travel beside, as a safetensors file."""

    version: int


class Parcel(NamedTuple):
    """A message and what came beside it."""

    message: Any
    content: bytes | None


def send(line: socket.socket, message: Any, content: bytes | memoryview | None = None, flags: int = 0) -> None:
    """Raises BlockingIOError where the flags forbid to wait and the line is full, another OSError if nobody listens."""
    packed = pickle.dumps(message)
    if content is None:
        line.send(packed, flags | socket.MSG_NOSIGNAL)
        return
    memory = sealed(content)
    try:
        beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, memory.to_bytes(4, sys.byteorder))]
        line.sendmsg([packed], beside, flags | socket.MSG_NOSIGNAL)  # socket.send_fds takes no heed of flags
    finally:
        os.close(memory)


def receive(line: socket.socket, flags: int = 0) -> Parcel:
    """Raises EOFError when the other end is closed, BlockingIOError as `send`. Only for a child of one's own: pickles."""
    packed, beside, _, _ = line.recvmsg(LARGEST, socket.CMSG_SPACE(4), flags | socket.MSG_CMSG_CLOEXEC)
    if not packed:
        raise EOFError
    content = None
    for _, _, memory in beside:
        with open(int.from_bytes(memory[:4], sys.byteorder), 'rb') as file:
            file.seek(0)
            content = file.read()
    return Parcel(pickle.loads(packed), content)


def sealed(content: bytes | memoryview) -> int:
    """File number of memory that holds the content and cannot be changed any more, by nobody."""
    memory = os.memfd_create('content', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(content)
    while view:
        view = view[os.write(memory, view):]
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS,
                fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return memory


class LearnerEnd:
    """The learner's end of the line."""

    def __init__(self, line: socket.socket, frames: int) -> None:
        """frames: file number of the shared memory."""
        self._line, self._frames = line, frames

    def send(self, message: Any) -> None:
        content = None
        if isinstance(message, Weights):
            tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in message.tensors.items()}
            message, content = WeightsNote(message.version), save(tensors)
        elif isinstance(message, Snapshot):
            message, content = None, message.content
        try:
            send(self._line, message, content)
        except OSError:
            raise Closed from None

    def receive(self, timeout_s: float) -> Any:
        poll = select.poll()  # select() knows no file number above 1023
        poll.register(self._line, select.POLLIN)
        if not poll.poll(timeout_s * 1e3):
            return None
        try:
            message = receive(self._line).message
        except (EOFError, OSError):
            raise Closed from None
        return self._frame(message) if isinstance(message, FrameNote) else message

    def _frame(self, note: FrameNote) -> Frame:
        image = np.empty(note.shape, np.uint8)
        os.preadv(self._frames, [memoryview(image).cast('B')], 0)
        return Frame(image, note.stamp_ns, note.camera)


class KeeperEnd:
    """The other end, which never waits once begun."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.frames = os.memfd_create('frame')
        weakref.finalize(self, os.close, self.frames)

    def send(self, message: Any) -> bool:
        """False if the line is full. A learner that is gone takes everything: `receive` will tell."""
        if isinstance(message, Frame):
            image = np.ascontiguousarray(message.image)
            os.pwrite(self.frames, memoryview(image).cast('B'), 0)
            message = FrameNote(image.shape, message.stamp_ns, message.camera)
        try:
            send(self.line, message, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def receive(self) -> list[Any]:
        """What has come. Raises Closed when nothing more will."""
        messages: list[Any] = []
        try:
            while True:
                messages.append(_opened(receive(self.line, flags=socket.MSG_DONTWAIT)))
        except BlockingIOError:
            pass
        except (EOFError, OSError):
            if not messages:
                raise Closed from None
        return messages


def _opened(parcel: Parcel) -> Any:
    message, content = parcel
    if isinstance(message, WeightsNote):
        return Weights(message.version, load(content))
    return message if content is None else Snapshot(content)

"""Several processes, one training: what torchrun started, and what they agree on beside the gradients."""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import torch
import torch.distributed.nn.functional  # before the group starts: its defaults would keep the group for good
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

# What newer versions of torch call broadcast_buffers.
_SYNC_BUFFERS = next(name for name in ('forward_sync_buffers', 'broadcast_buffers')
                     if name in inspect.signature(DistributedDataParallel).parameters)
PATIENCE = timedelta(hours=1)  # rank 0 may be writing, or another host still reading


class DeviceError(ValueError):
    """The device asked for is not there."""


@dataclass(frozen=True)
class World:
    """This process among `size`, counted over all hosts; rank 0 is the one that writes."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device('cpu'))

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.all_reduce(torch.zeros(1))


def leads() -> bool:
    """Whether this process is the one that writes, told from torchrun's environment."""
    return int(os.environ.get('RANK', 0)) == 0


@contextmanager
def joined(device: str | None = None) -> Iterator[World]:
    """The world that torchrun's environment tells of, or this process alone. device: None takes CUDA where it is."""
    size = int(os.environ.get('WORLD_SIZE', 1))
    rank, local = (int(os.environ.get(name, 0)) for name in ('RANK', 'LOCAL_RANK'))
    world = World(rank, size, _device(device, local if size > 1 else None))
    begin = size > 1 and not distributed.is_initialized()
    if begin:
        backend = 'cpu:gloo,cuda:nccl' if world.device.type == 'cuda' else 'gloo'
        distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield world
    finally:
        if begin:
            gc.collect()  # what DDP wrapped holds the group, whose threads may abort a process that ends before them
            distributed.destroy_process_group()


def _device(name: str | None, local_rank: int | None) -> torch.device:
    try:
        device = torch.device(name or ('cuda' if torch.cuda.is_available() else 'cpu'))
    except RuntimeError as error:
        raise DeviceError(f'--device {name}: there is no such device; use cpu, cuda or cuda:N') from error
    if device.type != 'cuda':
        return device
    if not torch.cuda.is_available():
        raise DeviceError('no CUDA device was found here; use --device cpu')
    index = device.index if local_rank is None else local_rank
    if (index or 0) >= torch.cuda.device_count():
        raise DeviceError(f'CUDA device {index} is not there: this host has {torch.cuda.device_count()}; start as many '
                          'processes a host (--nproc-per-node) as it has devices')
    device = torch.device('cuda', index or 0)
    torch.cuda.set_device(device)
    return device


def wrap(module: nn.Module, unused: bool, world: World) -> nn.Module:
    """The module with averaged gradients. unused: some trained parameters may stay without gradient (see `some_unused`)."""
    if world.size == 1:
        return module
    devices = [world.device] if world.device.type == 'cuda' else None
    return DistributedDataParallel(module, devices, find_unused_parameters=unused, **{_SYNC_BUFFERS: False})


def some_unused(module: nn.Module, loss: torch.Tensor, world: World) -> bool:
    """Whether the loss leaves a trained parameter without gradient in any of the processes."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    found = [gradient is None for gradient in torch.autograd.grad(loss, trained, allow_unused=True)]
    answer = torch.tensor(float(any(found)))
    distributed.all_reduce(answer)
    return bool(answer)


@torch.no_grad()
def average_statistics(module: nn.Module, world: World) -> None:
    """Give every process the mean of all processes' BatchNorm statistics, in one exchange.

    DDP would send rank 0's instead, which have seen only rank 0's pictures.
    """
    if world.size == 1:
        return
    statistics = [buffer for norm in module.modules() if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.training
                  for buffer in (norm.running_mean, norm.running_var) if buffer is not None]
    if statistics:
        flat = torch.cat(statistics)
        distributed.all_reduce(flat)
        torch._foreach_copy_(statistics, list((flat / world.size).split([len(buffer) for buffer in statistics])))

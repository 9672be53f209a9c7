"""BatchNorm's statistics when a stage ends: the target's alone (AdaBN, Li et al., 2016, arXiv 1603.04779).

A network that saw both domains in turn, each by its own batch statistics, keeps a mean of the two, which fits neither.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from uda_seg_ros.models import SegmentationModel

from ..methods import Method
from ..samples import Batch
from .stage_networks import saved_parts
from .trainer import autocast

NUM_BATCHES = 64


@torch.no_grad()
def take_target_statistics(method: Method, batches: Iterable[Batch]) -> None:
    """Estimate them anew, from nothing, for all networks that the stage trained or averaged; frozen ones stay.

    batches: whose target images are looked at, of the size that training saw. Modes and momentums are as before afterwards.
    """
    networks = [part for part in saved_parts(method).values()
                if isinstance(part, SegmentationModel) and part not in method.frozen]
    norms = [module for network in networks for module in network.modules()
             if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats]
    if not norms:
        return
    momentums = [norm.momentum for norm in norms]
    method.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # the plain mean over all batches
    device = method.mean.device
    for batch in batches:
        image = method.normalise(batch.to(device).target_image)
        with autocast(device):
            for network in networks:
                network(image)
    for norm, momentum in zip(norms, momentums):
        norm.momentum = momentum
        norm.eval()

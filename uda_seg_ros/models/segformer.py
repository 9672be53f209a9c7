"""SegFormer: a MiT encoder and a head of 1x1 layers (Xie et al., 2021, arXiv 2105.15203)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from ..config import from_mapping
from .base import SegmentationModel
from .mix_transformer import VARIANTS, Geometry, MixTransformer
from .resize import resize_features

FUSE_WIDTH = 64


class FuseHead(nn.Module):
    """Each stage embedded to `width` channels, all enlarged to 1/4, joined and fused by a 1x1 convolution; then classes.

    Computed in another order than it is written, with the same result: a 1x1 convolution commutes with bilinear
    interpolation, so each stage is embedded and fused at its own resolution by one product of the two matrices, and the
    sum of the enlarged maps takes the place of the join. Parameters keep the plain layout; `fuse` holds the coarsest
    stage's columns first, as published weights do.
    """

    def __init__(self, channels: Sequence[int], width: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Linear(c, width) for c in channels)
        self.fuse = nn.Conv2d(width * len(channels), width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(width, num_classes, 1)
        nn.init.kaiming_normal_(self.fuse.weight, nonlinearity='relu')
        for layer in (*self.embeddings, self.classifier):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.classify(self.embed(features))

    def embed(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """What the classifier sees, before the dropout: B width hw at 1/4."""
        columns = self.fuse.weight.flatten(1).chunk(len(self.embeddings), 1)[::-1]
        size = tuple(features[0].shape[-2:])
        fused = None
        for feature, embedding, fuse in zip(features, self.embeddings, columns):
            weight, bias = fuse @ embedding.weight, fuse @ embedding.bias
            part = resize_features(functional.conv2d(feature, weight[:, :, None, None], bias), size)
            fused = part if fused is None else fused + part
        return functional.relu(self.norm(fused))

    def classify(self, embedding: torch.Tensor) -> torch.Tensor:
        """Logits of what `embed` gave."""
        return self.classifier(self.dropout(embedding))


class SegFormer(SegmentationModel):
    """Features at 1/4, 1/8, 1/16, 1/32; logits at 1/4.

    head 'mlp' has the reference's width (256 for B0 and B1, else 768); 'fuse' is the narrow one for students.
    """

    multiple, stride, head_parts = 32, 4, ('head',)

    @dataclass(frozen=True)
    class Settings:
        """width: channels of the head, None is the head's own. drop_path, dropout: probabilities, in training only."""

        head: Literal['mlp', 'fuse'] = 'mlp'
        width: int | None = None
        drop_path: float = 0.1
        dropout: float = 0.1

        def __post_init__(self) -> None:
            if self.width is not None and self.width < 1:
                raise ValueError(f'width must be 1 or more, got {self.width}')

        def head_width(self, geometry: Geometry) -> int:
            if self.width is not None:
                return self.width
            if self.head == 'fuse':
                return FUSE_WIDTH
            return 256 if geometry.depths == VARIANTS['b0'].depths else 768

    def __init__(self, num_classes: int, geometry: Geometry, settings: Settings) -> None:
        super().__init__(num_classes)
        self.encoder = MixTransformer(geometry, settings.drop_path)
        self.embedding_channels = settings.head_width(geometry)
        self.head = FuseHead(geometry.channels, self.embedding_channels, num_classes, settings.dropout)

    def forward_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.encoder(image)

    def forward_embedding(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.head.embed(features)

    def forward_classifier(self, embedding: torch.Tensor) -> torch.Tensor:
        return self.head.classify(embedding)


def _variant(name: str, num_classes: int, **settings) -> SegFormer:
    return SegFormer(num_classes, VARIANTS[name], from_mapping(SegFormer.Settings, settings, f'segformer_{name}'))


segformer_b0, segformer_b1, segformer_b2, segformer_b3, segformer_b4, segformer_b5 = (
    partial(_variant, name) for name in VARIANTS)


def segformer(num_classes: int, **settings) -> SegFormer:
    """SegFormer of any geometry: the fields of Geometry beside those of SegFormer.Settings, channels and depths needed."""
    names = {field.name for field in fields(Geometry)}
    geometry = {key: value for key, value in settings.items() if key in names}
    rest = {key: value for key, value in settings.items() if key not in names}
    return SegFormer(num_classes, from_mapping(Geometry, geometry, 'segformer'),
                     from_mapping(SegFormer.Settings, rest, 'segformer'))

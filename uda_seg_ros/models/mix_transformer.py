"""MiT: SegFormer's hierarchical transformer encoder (Xie et al., 2021, arXiv 2105.15203).

Four stages at 1/4, 1/8, 1/16, 1/32. Tokens travel as BNC with N = h * w, which is the channels-last layout of the same
map: going between the two moves no memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class Geometry:
    """The encoder's shape, one number a stage.

    channels: of the tokens. depths: number of blocks. heads: of the attention; each divides its channels. reductions:
    keys and values are taken from a map smaller by this factor on each side. expansions: hidden channels of the
    feed-forward part, as a multiple of channels.
    """

    channels: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)
    expansions: tuple[int, int, int, int] = (4, 4, 4, 4)

    def __post_init__(self) -> None:
        if any(c < 1 or h < 1 or c % h for c, h in zip(self.channels, self.heads)):
            raise ValueError(f'channels {self.channels} must be multiples of the heads {self.heads}')
        if min(self.depths) < 1 or min(self.reductions) < 1 or min(self.expansions) < 1:
            raise ValueError('depths, reductions and expansions must be 1 or more')


def _wide(*depths: int) -> Geometry:
    return Geometry((64, 128, 320, 512), depths)


VARIANTS: dict[str, Geometry] = {
    'b0': Geometry((32, 64, 160, 256), (2, 2, 2, 2)),
    'b1': _wide(2, 2, 2, 2),
    'b2': _wide(3, 4, 6, 3),
    'b3': _wide(3, 4, 18, 3),
    'b4': _wide(3, 8, 27, 3),
    'b5': _wide(3, 6, 40, 3),
}


def to_tokens(x: torch.Tensor) -> torch.Tensor:
    """BChw to BNC."""
    return x.flatten(2).transpose(1, 2)


def to_map(tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """BNC to BChw."""
    return tokens.transpose(1, 2).unflatten(2, size)


class DropPath(nn.Module):
    """Stochastic depth: in training, a residual branch is dropped for a whole picture with probability `rate`."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = torch.empty(x.shape[0], 1, 1, dtype=x.dtype, device=x.device).bernoulli_(1 - self.rate)
        return x * keep / (1 - self.rate)


class PatchEmbedding(nn.Module):
    """Overlapping patches: a strided convolution and a LayerNorm."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(inputs, channels, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        x = self.project(x)
        return self.norm(to_tokens(x)), (int(x.shape[-2]), int(x.shape[-1]))


class Attention(nn.Module):
    """Every token asks; a smaller map answers."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.project = (nn.Linear(channels, channels) for _ in range(4))
        self.reduce = nn.Conv2d(channels, channels, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(channels) if reduction > 1 else None

    def forward(self, tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        source = tokens if self.reduce is None else self.norm(to_tokens(self.reduce(to_map(tokens, size))))
        query, key, value = (layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer, x in
                             ((self.query, tokens), (self.key, source), (self.value, source)))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.project(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Linear, a 3x3 convolution of each channel (it tells tokens where they are), GELU, linear."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(channels, hidden)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.contract = nn.Linear(hidden, channels)

    def forward(self, tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        x = self.depthwise(to_map(self.expand(tokens), size))
        return self.contract(functional.gelu(to_tokens(x)))


class Block(nn.Module):
    """Attention and feed-forward, each normalised before and added to its input."""

    def __init__(self, channels: int, heads: int, reduction: int, expansion: int, drop_path: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attention = Attention(channels, heads, reduction)
        self.feed_forward = FeedForward(channels, channels * expansion)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        tokens = tokens + self.drop_path(self.attention(self.norm1(tokens), size))
        return tokens + self.drop_path(self.feed_forward(self.norm2(tokens), size))


class MixTransformer(nn.Module):
    """image B3HW -> four maps BChw at 1/4, 1/8, 1/16, 1/32.

    drop_path: probability at the last block; it grows from 0 at the first.
    """

    def __init__(self, geometry: Geometry, drop_path: float) -> None:
        super().__init__()
        rates = iter(drop_path * i / max(1, sum(geometry.depths) - 1) for i in range(sum(geometry.depths)))
        self.embeddings, self.stages, self.norms = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inputs = 3
        for i, channels in enumerate(geometry.channels):
            self.embeddings.append(PatchEmbedding(inputs, channels, 7 if i == 0 else 3, 4 if i == 0 else 2))
            self.stages.append(nn.ModuleList(
                Block(channels, geometry.heads[i], geometry.reductions[i], geometry.expansions[i], next(rates))
                for _ in range(geometry.depths[i])))
            self.norms.append(nn.LayerNorm(channels))
            inputs = channels
        self.apply(_initialise)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        maps = []
        for embedding, blocks, norm in zip(self.embeddings, self.stages, self.norms):
            tokens, size = embedding(x)
            for block in blocks:
                tokens = block(tokens, size)
            x = to_map(norm(tokens), size)
            maps.append(x)
        return tuple(maps)


def _initialise(module: nn.Module) -> None:
    """As the reference: small truncated normal for linear layers, He (fan out) for convolutions, biases 0."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
    else:
        return
    nn.init.zeros_(module.bias)

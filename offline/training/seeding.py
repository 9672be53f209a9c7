"""Random numbers that depend on what they are for, and on nothing that happened before."""

from __future__ import annotations

import hashlib
from typing import Any

import torch


def derived(*key: Any) -> int:
    """A seed of 48 bits from numbers and texts, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=6).digest(), 'big')


def seed_torch(*key: Any) -> None:
    """Seed torch's generators, of all devices, from the key."""
    torch.manual_seed(derived(*key))

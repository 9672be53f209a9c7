"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method
from .bkd import BKD
from .self_training import SelfTraining
from .source_only import SourceOnly

METHODS: dict[str, type[Method]] = {
    'source_only': SourceOnly,
    'self_training': SelfTraining,
    'bkd': BKD,
}

__all__ = ['METHODS', 'Method']

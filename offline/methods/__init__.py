"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method
from .dakd import Dakd
from .dakd_adapt import DakdAdapt
from .duda import Duda
from .duda_refine import DudaRefine
from .self_training import SelfTraining
from .source_only import SourceOnly

METHODS: dict[str, type[Method]] = {
    'source_only': SourceOnly,
    'self_training': SelfTraining,
    'dakd_adapt': DakdAdapt,
    'dakd': Dakd,
    'duda': Duda,
    'duda_refine': DudaRefine,
}

__all__ = ['METHODS', 'Method']

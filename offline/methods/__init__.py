"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method
from .bkd import BKD
from .dakd import Dakd
from .dakd_adapt import DakdAdapt
from .bkd import Bkd
from .dakd import DAKD
from .dakd_adapt import DAKDAdapt
from .duda import DUDA
from .duda_refine import DUDARefine
from .self_training import SelfTraining
from .source_only import SourceOnly

METHODS: dict[str, type[Method]] = {
    'source_only': SourceOnly,
    'self_training': SelfTraining,
    'bkd': BKD,
    'dakd_adapt': DakdAdapt,
    'dakd': Dakd,
    'bkd': Bkd,
    'dakd_adapt': DAKDAdapt,
    'dakd': DAKD,
    'duda': DUDA,
    'duda_refine': DUDARefine,
}

__all__ = ['METHODS', 'Method']

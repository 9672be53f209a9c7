"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method
from .bkd import BKD
from .dakd import DAKD
from .dakd_adapt import DAKDAdapt
from .diga import DiGA
from .diga_translator import DiGATranslator
from .diga_warm_up import DiGAWarmUp
from .duda import DUDA
from .duda_refine import DUDARefine
from .ours import Ours
from .self_training import SelfTraining
from .source_only import SourceOnly

METHODS: dict[str, type[Method]] = {
    'source_only': SourceOnly,
    'self_training': SelfTraining,
    'dakd_adapt': DAKDAdapt,
    'dakd': DAKD,
    'diga_translator': DiGATranslator,
    'diga_warm_up': DiGAWarmUp,
    'diga': DiGA,
    'bkd': BKD,
    'duda': DUDA,
    'duda_refine': DUDARefine,
    'ours': Ours,
}

__all__ = ['METHODS', 'Method']

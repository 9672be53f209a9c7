"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method
from .bkd import BKD
from .dakd import Dakd
from .dakd_adapt import DakdAdapt
from .diga import Diga
from .diga_translator import DigaTranslator
from .diga_warm_up import DigaWarmUp
from .self_training import SelfTraining
from .source_only import SourceOnly

METHODS: dict[str, type[Method]] = {
    'source_only': SourceOnly,
    'self_training': SelfTraining,
    'bkd': BKD,
    'dakd_adapt': DakdAdapt,
    'dakd': Dakd,
    'diga_translator': DigaTranslator,
    'diga_warm_up': DigaWarmUp,
    'diga': Diga,
}

__all__ = ['METHODS', 'Method']

"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method
from .dakd import Dakd
from .dakd_adapt import DakdAdapt

METHODS: dict[str, type[Method]] = {
    'dakd_adapt': DakdAdapt,
    'dakd': Dakd,
}

__all__ = ['METHODS', 'Method']

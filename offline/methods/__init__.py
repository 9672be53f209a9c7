"""The methods, one a file, and the table of their names."""

from __future__ import annotations

from .base import Method

METHODS: dict[str, type[Method]] = {
}

__all__ = ['METHODS', 'Method']

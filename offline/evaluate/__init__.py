"""Scores of a bundle on labelled data: as the vehicle runs it, or with sliding windows and flips; pictures and a page."""

from .score import EvaluationError, confusion_of, score
from .scores import Scores
from .views import Views

__all__ = ['EvaluationError', 'Scores', 'Views', 'confusion_of', 'score']

"""From data sets to batches: crops, rare classes, pseudo-labels, the same batch for the same step."""

"""The network that comes with the package: procedural drives, supervised training on one CPU thread, scores, bundle."""

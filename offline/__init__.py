"""The desk program: python -m offline ... It is run from a checkout and never installed."""

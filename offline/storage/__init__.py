"""Decoded frames, kept."""

"""The adapter minus each of its parts: which of them is worth its place."""

from __future__ import annotations

WHOLE = 'ours'
PARTS = {  # in words -> the method without it
    "the floor (the target's statistics)": 'ours-no_floor',
    'training altogether': 'ours-no_training',
    "source in the target's colours": 'ours-no_restyle',
    'what views of the frozen network say of the target': 'ours-no_training.target',
    'the leash (pull and radius)': 'ours-no_leash',
    'key-frames (every picture is kept)': 'ours-no_key_frames',
    'the gate': 'ours-no_gate',
    'the watch': 'ours-no_watch'}
METHODS = (WHOLE, *PARTS.values())

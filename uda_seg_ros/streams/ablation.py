"""The adapter minus each of its parts: which of them is worth its place."""

from __future__ import annotations

WHOLE = 'ours'
PARTS = {  # in words -> the method without it
    "the floor (the target's statistics)": 'ours-no_floor',
    'training altogether': 'ours-no_training',
    "source in the target's colours": 'ours-no_restyle',
    "the teacher's labels of the target": 'ours-no_training.target',
    'agreement with the frozen network': 'ours-no_agreement',
    'distillation from the frozen network': 'ours-no_training.anchor',
    'the leash (pull and radius)': 'ours-no_leash',
    'key-frames (every picture is kept)': 'ours-no_key_frames',
    'the gate': 'ours-no_gate',
    'the watch': 'ours-no_watch'}
METHODS = (WHOLE, *PARTS.values())

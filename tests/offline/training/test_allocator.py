"""A process that keeps its freed memory asks the system for no more of it, step after step."""

import ctypes
import subprocess
import sys

import pytest

STEPS = """
import resource, sys, torch
from offline.training.allocator import keep_freed_memory
if sys.argv[1] == 'keeps':
    assert keep_freed_memory()
def step():
    torch.ones(16, 1024, 1024) + torch.ones(16, 1024, 1024)
for _ in range(20):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(word: str) -> int:
    return int(subprocess.run([sys.executable, '-c', STEPS, word], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'mallopt'), reason='needs the GNU C library')
def test_later_steps_take_hardly_any_fresh_pages():
    assert faults('keeps') < 0.2 * faults('asks anew')

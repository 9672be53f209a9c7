#!/usr/bin/env bash
# The GPU-marked tests, then each network's stage times against plain eager torch; the table comes last.
# Needs a Python with torch, numpy, OpenCV, PyYAML, safetensors, tqdm and pytest; no ROS, no network. Without a CUDA
# device the tests skip and the table is the CPU's.   UDA_SEG_PYTHON=python3 bash scripts/gpu_check.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${UDA_SEG_PYTHON:-python3}"
if [ -z "${UDA_SEG_PYTHON:-}" ] && [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
"$python" -c 'import torch, numpy, cv2, yaml, safetensors, tqdm, pytest' || {
  echo "gpu_check.sh: error: $python lacks a package (above); set UDA_SEG_PYTHON to a Python that has torch" >&2; exit 2; }
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
"$python" -m pytest -q -m gpu -p no:cacheprovider --ignore tests/ros tests
tests=$?
# The table comes last, whatever the tests said; pytest's 5 is 'no test was there to run'.
"$python" scripts/gpu_table.py "$@"
table=$?
[ "$tests" -eq 0 ] || { echo "gpu_check.sh: error: the GPU-marked tests failed (exit code $tests), see above" >&2; exit 1; }
exit "$table"

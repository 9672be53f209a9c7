#!/usr/bin/env bash
# The GPU-marked tests, the speed of training, then each network's stage times against plain eager torch; the table comes last.
# Needs a Python with torch, numpy, OpenCV, PyYAML, safetensors, tqdm and pytest; no ROS, no network. Without a CUDA
# device the tests skip and the table is the CPU's.   UDA_SEG_PYTHON=python3 bash scripts/gpu_check.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${UDA_SEG_PYTHON:-python3}"
if [ -z "${UDA_SEG_PYTHON:-}" ] && [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
"$python" -c 'import torch, numpy, cv2, yaml, safetensors, tqdm, pytest' || {
  echo "gpu_check.sh: error: $python lacks a package (above); set UDA_SEG_PYTHON to a Python that has torch" >&2; exit 2; }
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
# Only files that have such tests are imported: others need packages that are no matter here (rosbags, TensorBoard).
mapfile -t files < <(grep -rl 'mark\.gpu' tests --include='test_*.py' | grep -v '^tests/ros/')
"$python" -m pytest -q -m gpu -p no:cacheprovider "${files[@]}"
tests=$?
# A heavy network beside a light one where there is a GPU, the recipe as it is elsewhere.
heavy=() steps=2
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  steps=20 heavy=(loader.crop='[512,512]' loader.source_height=576 loader.target_height=576 loader.workers=4
    networks.student='{name: segformer_b0, settings: {head: fuse}}' stages.adapt.networks.large='{name: segformer_b5}')
fi
drive='procedural?weather=clear&seeds=[0]&frames=16'
"$python" -m offline bench-train offline/recipes/ours.yaml --steps "$steps" \
  --set data.source="$drive&town=town_a" data.target="$drive&town=town_b" "${heavy[@]}"
training=$?
# The table comes last, whatever the tests said; pytest's 5 is 'no test was there to run'.
"$python" scripts/gpu_table.py "$@"
table=$?
[ "$tests" -eq 0 ] || { echo "gpu_check.sh: error: the GPU-marked tests failed (exit code $tests), see above" >&2; exit 1; }
[ "$training" -eq 0 ] || { echo "gpu_check.sh: error: bench-train failed (exit code $training), see above" >&2; exit 1; }
exit "$table"

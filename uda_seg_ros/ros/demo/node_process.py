"""The segmentation node in a process of its own, and the ROS surroundings it shares with the demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

STOP_S = 30.0  # a learner and a busy computer take their time
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')  # Fast DDS 3 (Kilted) renamed it


class NodeError(RuntimeError):
    """The node did not start, or died. The text ends with what it said last."""


def surroundings() -> dict[str, str]:
    """Environment variables that keep the demo to itself: a domain of its own on this host, and large images unharmed."""
    variables = {'ROS_DOMAIN_ID': str(1 + os.getpid() % 100), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    if os.environ.get('ROS_DISTRO') == 'humble':
        variables['ROS_LOCALHOST_ONLY'] = '1'
    profile = fastdds_profile()
    if profile is not None and not profile_in_use():
        old, new = PROFILE_VARIABLES
        variables[old if os.environ.get('ROS_DISTRO', 'jazzy') in ('humble', 'iron', 'jazzy') else new] = str(profile)
    return variables


def profile_in_use() -> str:
    """The file that Fast DDS is told to read its settings from, '' for none."""
    return next(filter(None, map(os.environ.get, PROFILE_VARIABLES)), '')


def fastdds_profile() -> Path | None:
    """The shipped shared-memory profile, from the checkout or from where the package is installed."""
    roots = [Path(__file__).resolve().parents[3]]
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    roots += [Path(prefix) / 'share' / 'uda_seg_ros' for prefix in prefixes if prefix]
    return next((path for root in roots if (path := root / 'config' / 'fastdds.xml').is_file()), None)


class NodeProcess:
    """A context manager: whatever happens, the process is gone when it is left."""

    def __init__(self, parameters: dict[str, object], folder: Path, name: str = 'node') -> None:
        """Start the node. parameters: those that differ from the defaults. folder: for <name>.yaml and <name>.log."""
        self.log = folder / f'{name}.log'
        settings = folder / f'{name}.yaml'
        settings.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}), encoding='utf-8')
        command = [sys.executable, '-m', 'uda_seg_ros.ros.segmentation_node', '--ros-args', '--params-file', str(settings)]
        with self.log.open('wb') as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends the node in good order.
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def check(self) -> None:
        """Raise NodeError if the process has ended."""
        if self._process.poll() is not None:
            raise NodeError(f'the node ended with exit code {self._process.returncode}: {self.last_words()}')

    def last_words(self) -> str:
        """The last error or warning in the node's log, else its last line."""
        lines = [line for line in self.log.read_text(encoding='utf-8', errors='replace').splitlines() if line.strip()]
        grave = [line for line in lines if '[ERROR]' in line or '[FATAL]' in line or '[WARN]' in line]
        return f'{(grave or lines or ["it said nothing"])[-1].strip()} (all of it: {self.log})'

    def refusals(self) -> list[str]:
        """What it logged of errors and dropped frames while it went on, without time and name, each once."""
        lines = self.log.read_text(encoding='utf-8', errors='replace').splitlines()
        return list(dict.fromkeys(line.split(']: ', 1)[-1] for line in lines
                                  if '[ERROR]' in line or ': frame dropped: ' in line))

    def stop(self) -> None:
        """End the node as Ctrl-C does. Raises NodeError if it does not end cleanly within STOP_S."""
        self.check()
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise NodeError(f'the node did not end within {STOP_S:.0f} s of Ctrl-C: {self.last_words()}') from None
        if code != 0:
            raise NodeError(f'the node ended with exit code {code} on Ctrl-C: {self.last_words()}')

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

"""The package builds with colcon and pip from what git holds, and what is installed runs outside the checkout."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from .conftest import ROOT

COLCON = shutil.which('colcon', path=str(Path(sys.executable).parent))
needs_colcon = pytest.mark.skipif(COLCON is None, reason='colcon is not installed (scripts/test.sh installs it)')


def clean_environment() -> dict[str, str]:
    """This environment without the checkout on the path, so that only what is installed can be found."""
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    return environment | {'PATH': f'{Path(sys.executable).parent}{os.pathsep}{environment["PATH"]}'}


def run(command: list[str] | str, cwd: Path, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True,
                          shell=isinstance(command, str), **kwargs)


@pytest.fixture(scope='module')
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A colcon workspace with a copy of the files that git would commit."""
    workspace = tmp_path_factory.mktemp('workspace')
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
                            capture_output=True, check=True).stdout.decode().split('\0')
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            target = workspace / 'src' / 'uda_seg_ros' / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return workspace


@needs_colcon
@pytest.mark.parametrize('options', [[], ['--symlink-install']], ids=['copied', 'symlinked'])
def test_colcon_build_installs_a_package_that_runs(workspace: Path, tmp_path: Path, options: list[str]) -> None:
    base = tmp_path / 'install'
    built = run([COLCON, 'build', '--build-base', str(tmp_path / 'build'), '--install-base', str(base), *options], workspace)
    assert built.returncode == 0, built.stdout + built.stderr
    share = base / 'uda_seg_ros' / 'share' / 'uda_seg_ros'
    installed = {path.relative_to(share).as_posix() for path in share.rglob('*') if path.is_file()}
    expected = {f'{folder}/{path.name}' for folder in ('launch', 'config') for path in (ROOT / folder).iterdir()
                if path.is_file()}
    assert expected <= installed
    for script in ('segmentation_node', 'evaluate_bag', 'uda_seg'):
        assert os.access(base / 'uda_seg_ros' / 'lib' / 'uda_seg_ros' / script, os.X_OK), f'ros2 run needs {script} there'
    inspected = run(f'. {base}/setup.sh && {base}/uda_seg_ros/lib/uda_seg_ros/uda_seg inspect', tmp_path)
    assert inspected.returncode == 0 and 'cityscapes19' in inspected.stdout, inspected.stdout + inspected.stderr
    assert f'{ROOT}/' not in inspected.stdout, 'the checkout was run, not what is installed'


@needs_colcon
def test_colcon_test_runs_the_tests_and_reports_a_failure(workspace: Path, tmp_path: Path) -> None:
    bases = ['--build-base', str(tmp_path / 'build'), '--install-base', str(tmp_path / 'install')]
    assert run([COLCON, 'build', *bases], workspace).returncode == 0
    planted = workspace / 'src' / 'uda_seg_ros' / 'tests' / 'test_planted.py'
    planted.write_text('def test_right():\n    pass\n\n\ndef test_wrong():\n    assert False\n')
    try:
        run([COLCON, 'test', *bases, '--pytest-args', 'tests/test_planted.py', '-p', 'no:cacheprovider'], workspace)
        result = run([COLCON, 'test-result', '--test-result-base', str(tmp_path / 'build')], workspace)
    finally:
        planted.unlink()
    assert '2 tests, 0 errors, 1 failure' in result.stdout, result.stdout + result.stderr


def test_pip_editable_install_finds_the_checkout_and_its_commands(workspace: Path, tmp_path: Path) -> None:
    venv = tmp_path / 'venv'
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', venv], check=True)
    site = next((venv / 'lib').glob('python*')) / 'site-packages'
    (site / 'shared.pth').write_text('\n'.join(path for path in sys.path if path.endswith('-packages')))
    source = workspace / 'src' / 'uda_seg_ros'
    installed = run([str(venv / 'bin' / 'python'), '-m', 'pip', 'install', '-q', '--no-deps', '--no-build-isolation', '-e',
                     str(source)], tmp_path)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    inspected = run([str(venv / 'bin' / 'uda_seg'), 'inspect'], tmp_path)
    assert inspected.returncode == 0 and 'cityscapes19' in inspected.stdout, inspected.stdout + inspected.stderr
    assert (venv / 'bin' / 'segmentation_node').exists()


def imported_ros_packages() -> set[str]:
    """The ROS packages that uda_seg_ros/ros and launch/ import: top-level names that neither pip nor Python brings."""
    ours = {'uda_seg_ros', 'numpy', 'cv2', 'yaml', 'tqdm', 'torch', 'rosbags', 'safetensors'} | set(sys.stdlib_module_names)
    names = set()
    for path in [*(ROOT / 'uda_seg_ros' / 'ros').rglob('*.py'), *(ROOT / 'launch').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split('.')[0])
    return {'tf2_ros_py' if name == 'tf2_ros' else name for name in names - ours}  # the package that holds the module


def test_package_xml_names_every_ros_package_that_is_imported() -> None:
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert package.get('format') == '3'
    assert package.findtext('export/build_type') == 'ament_python'
    depends = {element.text for element in package if element.tag.endswith('depend')}
    wanted = {'rclpy', 'sensor_msgs', 'std_msgs', 'std_srvs', 'diagnostic_msgs', 'vision_msgs', 'cv_bridge',
              'sensor_msgs_py', 'python3-numpy', 'python3-opencv', 'python3-yaml'}
    assert wanted | imported_ros_packages() <= depends


def test_versions_agree() -> None:
    from uda_seg_ros import __version__
    assert ElementTree.parse(ROOT / 'package.xml').getroot().findtext('version') == __version__


def test_a_complete_environment_is_entered_without_installing(tmp_path: Path) -> None:
    script = ('set -eu; source scripts/ros_env.sh test; export PIP_NO_INDEX=1 PIP_FIND_LINKS=/nowhere PIP_EXTRA_INDEX_URL=; '
              'source scripts/ros_env.sh test; python -c "import torch, yaml; print(torch.__version__)"')
    if not (Path(sys.prefix) / 'uda_seg_ros.stamp').exists():
        pytest.skip('these tests do not run in the environment that scripts/ros_env.sh makes')
    entered = subprocess.run(['bash', '-c', script], cwd=ROOT, capture_output=True, text=True,
                             env=os.environ | {'UDA_SEG_VENV': sys.prefix})
    assert entered.returncode == 0, entered.stderr
    assert 'making' not in entered.stderr
    assert entered.stdout.startswith('2.13.0')

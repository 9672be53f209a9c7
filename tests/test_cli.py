import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from uda_seg_ros import cli, import_hf
from uda_seg_ros.bundle import Bundle
from uda_seg_ros.labels import CITYSCAPES

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ('a.png', 'b.jpg'):
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (48, 64, 3), np.uint8))
    return folder


def command(*arguments):
    return subprocess.run([sys.executable, '-m', 'uda_seg_ros.cli', *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=60, env={**os.environ, 'OMP_NUM_THREADS': '1'})


def run(capsys, *arguments):
    """(exit code, stdout, stderr) of main()."""
    code = cli.main([*map(str, arguments)])
    return code, *capsys.readouterr()


def test_infer_writes_mask_colour_and_overlay_as_a_process(tiny_bundle, pictures, tmp_path):
    (pictures / 'broken.jpg').write_bytes((pictures / 'b.jpg').read_bytes()[:400])
    result = command('infer', tiny_bundle, pictures, '--out', tmp_path / 'out')
    assert result.returncode == 1
    assert result.stderr == f'uda_seg: error: {pictures / "broken.jpg"}: the file is truncated: its end is missing\n'
    assert '2 of 3 pictures' in result.stdout
    names = [f'{stem}_{kind}.png' for stem in 'ab' for kind in ('color', 'mask', 'overlay')]
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == names
    mask = cv2.imread(str(tmp_path / 'out' / 'a_mask.png'), cv2.IMREAD_UNCHANGED)
    color = cv2.imread(str(tmp_path / 'out' / 'a_color.png'))[..., ::-1]
    assert mask.shape == (48, 64)
    assert mask.max() < 19
    np.testing.assert_array_equal(color, CITYSCAPES.palette()[mask])


def test_a_known_error_is_one_line_and_exit_code_2_as_a_process(tmp_path):
    result = command('inspect', tmp_path / 'none')
    assert result.returncode == 2
    assert result.stdout == ''
    assert result.stderr.startswith(f'uda_seg: error: {tmp_path}/none/bundle.yaml: not found')
    assert result.stderr.count('\n') == 1


def test_inspect_tells_what_a_bundle_is(capsys, tiny_bundle):
    code, text, _ = run(capsys, 'inspect', tiny_bundle)
    assert code == 0
    network = Bundle.load(tiny_bundle).network()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    for part in ('fast_scnn', 'traffic light', '128x64', f'{parameters:,}', 'verified', 'note: random weights'):
        assert part in text
    code, text, _ = run(capsys, 'inspect', tiny_bundle, '--json')
    description = json.loads(text)
    assert description['parameters'] == parameters
    assert description['model']['name'] == 'fast_scnn'
    assert description['file_bytes']['weights.safetensors'] == (tiny_bundle / 'weights.safetensors').stat().st_size


def test_bench_prints_a_table_or_json(capsys, tiny_bundle):
    arguments = ['bench', tiny_bundle, '--size', '64x48', '--frames', 2, '--device', 'cpu']
    code, text, _ = run(capsys, *arguments)
    assert code == 0
    assert 'postprocess' in text
    code, text, _ = run(capsys, *arguments, '--half', '--json')
    report = json.loads(text)
    assert (report['picture'], report['precision']) == ('64x48', 'bf16')
    assert {'median_ms', 'p95_ms', 'p99_ms'} == set(report['engine']['total'])


def test_threshold_and_alpha_reach_the_pictures(capsys, tiny_bundle, pictures, tmp_path):
    code, _, _ = run(capsys, 'infer', tiny_bundle, pictures / 'a.png', '--out', tmp_path, '--threshold', 1, '--alpha', 0)
    assert code == 0
    assert (cv2.imread(str(tmp_path / 'a_mask.png'), cv2.IMREAD_UNCHANGED) == 255).mean() > 0.9
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'a_overlay.png')), cv2.imread(str(pictures / 'a.png')))


def test_import_hf_hands_its_arguments_on(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(import_hf, 'import_hf', lambda source, out: Path(f'{out}<{source}'))
    assert run(capsys, 'import-hf', 'owner/name', '--out', 'b')[:2] == (0, 'written: b<owner/name\n')


def damaged(tiny_bundle, tmp_path):
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / 'damaged'))
    (folder / 'weights.safetensors').write_bytes(b'')
    return folder


ERRORS = {
    'damaged bundle': (lambda b, p, t: ['bench', damaged(b, t)], 'weights.safetensors: SHA-256 differs'),
    'no device': (lambda b, p, t: ['bench', b, '--device', 'cuda:99'], "device 'cuda:99' is not here"),
    'read-only folder': (lambda b, p, t: ['infer', b, p, '--out', '/proc/out'], 'error: /proc/out: '),
    'a file as folder': (lambda b, p, t: ['infer', b, p, '--out', p / 'a.png'], 'a.png'),
    'empty folder': (lambda b, p, t: ['infer', b, t / 'empty', '--out', t / 'out'], 'no pictures'),
    'one name twice': (lambda b, p, t: ['infer', b, p / 'a.png', p / 'a.png', '--out', t / 'out'], 'would both be'),
    'no such checkpoint': (lambda b, p, t: ['import-hf', t / 'none', '--out', t / 'bundle'], 'none: no such folder'),
}


@pytest.mark.parametrize('case', ERRORS)
def test_known_errors_are_one_line_and_exit_code_2(capsys, tiny_bundle, pictures, tmp_path, case):
    (tmp_path / 'empty').mkdir()
    make, message = ERRORS[case]
    code, _, complaint = run(capsys, *make(tiny_bundle, pictures, tmp_path))
    assert code == 2
    assert complaint.startswith('uda_seg: error: ')
    assert complaint.count('\n') == 1
    assert message in complaint


def test_an_unknown_error_is_not_hidden(monkeypatch):
    monkeypatch.setattr('uda_seg_ros.description.describe', lambda folder: [].remove(1))
    with pytest.raises(ValueError, match='not in list'):
        cli.main(['inspect', 'x'])


@pytest.mark.parametrize('arguments, message', [
    (['bench', 'x', '--size', '640'], "'640' is not width x height"), (['bench', 'x', '--size', '0x1'], "'0x1' is not"),
    (['bench', 'x', '--frames', '0'], "'0' is not a number of 1 or more"), (['infer', 'x', 'y'], '--out'),
    (['infer', 'x', 'y', '--out', 'z', '--alpha', '2'], "'2' is not a number from 0 to 1"), ([], 'COMMAND'),
    (['infer', 'x', 'y', '--out', 'z', '--threshold', 'nan'], "'nan' is not a number from 0 to 1"), (['fly'], "'fly'")])
def test_impossible_arguments_are_refused(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err

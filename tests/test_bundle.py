import dataclasses
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from uda_seg_ros.bundle import Bundle, BundleError, ModelSpec, Preprocess, read_manifest
from uda_seg_ros.config import ConfigError
from uda_seg_ros.description import describe
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.models import NETWORKS, build
from uda_seg_ros.runtime.engine import Engine

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    return Path(shutil.copytree(tiny_bundle, tmp_path / 'copy'))


def edit(folder, change):
    path = folder / 'bundle.yaml'
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def sign(folder):
    """Make the digest fit the weights that are there."""
    digest = hashlib.sha256((folder / 'weights.safetensors').read_bytes()).hexdigest()
    edit(folder, lambda content: content['digests'].update({'weights.safetensors': digest}))


def change_tensors(folder, change):
    tensors = dict(Bundle.load(folder).tensors)
    change(tensors)
    save_file(tensors, folder / 'weights.safetensors')
    sign(folder)


def truncate(folder):
    path = folder / 'weights.safetensors'
    path.write_bytes(path.read_bytes()[:-100])


def flip(folder):
    path = folder / 'weights.safetensors'
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def manifest(**change):
    """Harm that sets keys of bundle.yaml; a key with __ lies one level down."""
    def harm(folder):
        def apply(content):
            for key, value in change.items():
                *above, last = key.split('__')
                (content[above[0]] if above else content)[last] = value
        edit(folder, apply)
    return harm


def text(content):
    return lambda folder: (folder / 'bundle.yaml').write_bytes(content)


LAST = 'classifier.3.bias'
DAMAGES = {
    'folder missing': (shutil.rmtree, r'bundle.yaml: not found; a bundle is a folder that holds'),
    'a training run': (lambda f: ((f / 'bundle.yaml').unlink(), (f / 'run.json').write_text('{}')),
                       r'is a training run, not yet a bundle; make one of it: python -m offline export .*copy'),
    'manifest missing': (lambda f: (f / 'bundle.yaml').unlink(), r'bundle.yaml: not found'),
    'manifest broken': (text(b'a: [1,\nb: }'), r'bundle.yaml: cannot be read: .*line 2'),
    'manifest no text': (text(b'\xff\xfe\x00'), r'bundle.yaml: cannot be read'),
    'manifest with an impossible date': (text(b'a: 2026-13-45'), r'cannot be read'),
    'manifest a list': (text(b'- 1'), r"bundle.yaml: no key 'format'"),
    'manifest empty': (text(b''), r"bundle.yaml: no key 'format'"),
    'format unknown': (manifest(format=99), r'format 99 is not known here \(known: 1\); update'),
    'key unknown': (manifest(lables=1), r"unknown key 'lables' \(did you mean 'labels'\?\)"),
    'key missing': (lambda f: edit(f, lambda content: content.pop('model')), r"missing key 'model'"),
    'value of a wrong type': (manifest(preprocess__height='tall'), r"height: expected int, got 'tall'"),
    'size 0': (manifest(preprocess__height=0), r'preprocess: height, width and std must be greater than 0'),
    'colour beyond a byte': (manifest(labels__colors=[[300, 0, 0]] * 19), r'within 0 to 255'),
    'no classes': (manifest(labels={'name': 'none', 'names': [], 'colors': []}), r'1 to 254 classes are possible'),
    'no digest': (manifest(digests={}), r'digests: no entry for weights.safetensors'),
    'weights missing': (lambda f: (f / 'weights.safetensors').unlink(), r'weights.safetensors: cannot be read: No such'),
    'weights truncated': (truncate, r'weights.safetensors: SHA-256 differs .* copy the bundle again'),
    'one bit flipped': (flip, r'weights.safetensors: SHA-256 differs'),
    'tensor missing': (lambda f: change_tensors(f, lambda t: t.pop(LAST)), r"missing tensor 'classifier.3.bias'"),
    'tensor unknown': (lambda f: change_tensors(f, lambda t: t.update(x=torch.zeros(1))), r"unknown tensor 'x'"),
    'tensor of a wrong shape': (lambda f: change_tensors(f, lambda t: t.update({LAST: torch.zeros(5)})),
                                r"'classifier.3.bias' has shape \(5,\), network 'fast_scnn' needs \(19,\)"),
    'tensor not finite': (lambda f: change_tensors(f, lambda t: t[LAST].fill_(float('nan'))),
                          r"'classifier.3.bias' holds values that are not finite"),
    'network unknown': (manifest(model__name='fast_scn'), r"unknown network 'fast_scn' \(did you mean 'fast_scnn'\?\)"),
    'setting unknown': (manifest(model__settings={'widht': 1.0}), r"unknown key 'widht' \(did you mean 'width'\?\)"),
    'setting impossible': (manifest(model__settings={'width': 'wide'}), r"width: expected float, got 'wide'"),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_a_damaged_bundle_is_one_clear_error(copy, damage):
    harm, message = DAMAGES[damage]
    harm(copy)
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.load(copy)
    assert str(copy) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_round_trip_keeps_everything(tmp_path):
    torch.manual_seed(3)
    network = build('fast_scnn', 19, width=0.5).to(memory_format=torch.channels_last).eval()
    replay = {'image': torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8), 'label': torch.zeros(2, 8, 8)}
    provenance = {'trained_on': 'town A', 'miou': {'clear': 61.2}, 'steps': 500}
    bundle = Bundle(ModelSpec('fast_scnn', {'width': 0.5}), CITYSCAPES, Preprocess(96, 160, False, std=(0.2, 0.3, 0.4)),
                    network.state_dict(), replay, provenance)
    loaded = Bundle.load(bundle.save(tmp_path / 'deep' / 'bundle'))
    assert (loaded.model, loaded.labels, loaded.preprocess, loaded.provenance) == (
        bundle.model, bundle.labels, bundle.preprocess, bundle.provenance)
    for mine, theirs in ((bundle.tensors, loaded.tensors), (replay, loaded.replay)):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) and mine[name].dtype == theirs[name].dtype for name in mine)
    image = torch.randn(1, 3, 96, 160)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network()(image), network(image), atol=1e-3, rtol=1e-4)
    assert sorted(path.name for path in (tmp_path / 'deep').iterdir()) == ['bundle']
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in (tmp_path / 'deep' / 'bundle').iterdir())


def test_a_network_of_a_bundle_shares_no_memory_with_it(tiny_bundle):
    bundle = Bundle.load(tiny_bundle)
    before = bundle.tensors['classifier.3.bias'].clone()
    with torch.no_grad():
        bundle.network().classifier[3].bias.add_(1)
    assert torch.equal(bundle.tensors['classifier.3.bias'], before)


@pytest.mark.parametrize('name', [name for name in NETWORKS if name != 'segformer'])
def test_every_buffer_of_a_network_is_among_its_tensors(name):
    with torch.device('meta'):
        network = build(name, 19)
    assert set(dict(network.named_buffers())) <= set(network.state_dict())


def test_a_replay_memory_is_verified_as_well(tmp_path, tiny_bundle):
    bundle = Bundle.load(tiny_bundle)
    folder = dataclasses.replace(bundle, replay={'a': torch.zeros(3)}).save(tmp_path / 'bundle')
    (folder / 'replay.safetensors').write_bytes(b'other')
    loaded = Bundle.load(folder)
    for use in (dict, len, lambda replay: replay['a'], lambda replay: 'a' in replay):
        with pytest.raises(BundleError, match=r'replay.safetensors: SHA-256 differs'):
            use(loaded.replay)
    with pytest.raises(BundleError, match=r'replay.safetensors: SHA-256 differs'):
        describe(folder)
    (folder / 'replay.safetensors').unlink()
    with pytest.raises(BundleError, match=r'replay.safetensors: cannot be read: No such file'):
        Bundle.load(folder)


def test_whoever_only_segments_never_opens_the_replay_memory(tmp_path, tiny_bundle, monkeypatch):
    folder = dataclasses.replace(Bundle.load(tiny_bundle), replay={'a': torch.zeros(3)}).save(tmp_path / 'bundle')
    read, opened = Path.read_bytes, []
    monkeypatch.setattr(Path, 'read_bytes', lambda path: opened.append(path.name) or read(path))
    bundle = Bundle.load(folder)
    Engine(bundle, device='cpu')
    assert bundle.replay is not None and opened == ['weights.safetensors']
    assert torch.equal(bundle.replay['a'], torch.zeros(3)) and list(bundle.replay) == ['a'] and len(bundle.replay) == 1
    assert opened == ['weights.safetensors', 'replay.safetensors']


class Bomb:
    """Unpickling this makes a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


DUMPS = {'pickle': lambda bomb, path: path.write_bytes(pickle.dumps(bomb)), 'torch': torch.save}


@pytest.mark.parametrize('dump', DUMPS.values(), ids=DUMPS)
def test_a_pickle_disguised_as_weights_never_runs(copy, tmp_path, dump):
    dump(Bomb(tmp_path / 'exploded'), copy / 'weights.safetensors')
    sign(copy)
    with pytest.raises(BundleError, match=r'weights.safetensors: not a safetensors file'):
        Bundle.load(copy)
    assert not (tmp_path / 'exploded').exists()


def test_a_python_object_in_the_manifest_is_never_made(copy, tmp_path):
    (copy / 'bundle.yaml').write_text(f'format: !!python/object/apply:os.mkdir ["{tmp_path / "exploded"}"]')
    with pytest.raises(BundleError, match='cannot be read'):
        Bundle.load(copy)
    assert not (tmp_path / 'exploded').exists()


def test_an_existing_folder_is_never_overwritten(tiny_bundle, tmp_path):
    bundle = Bundle.load(tiny_bundle)
    for target in (tmp_path / 'empty', tmp_path / 'file'):
        target.mkdir() if target.name == 'empty' else target.write_text('precious')
        with pytest.raises(BundleError, match='exists already; remove it or choose another'):
            bundle.save(target)
    assert (tmp_path / 'file').read_text() == 'precious'


def test_a_place_that_cannot_be_written_is_one_clear_error(tiny_bundle, tmp_path):
    bundle = Bundle.load(tiny_bundle)
    (tmp_path / 'file').write_text('')
    with pytest.raises(BundleError, match=r'file/bundle: cannot be written: '):
        bundle.save(tmp_path / 'file' / 'bundle')
    with pytest.raises(BundleError, match=r'/proc/bundle: cannot be written: '):
        bundle.save('/proc/bundle')  # read-only even for root, whom permissions do not stop


def test_what_yaml_cannot_hold_leaves_nothing_behind(tiny_bundle, tmp_path):
    bundle = Bundle.load(tiny_bundle)
    odd = dataclasses.replace(bundle, provenance={'object': object()})
    with pytest.raises(BundleError, match='cannot be written: '):
        odd.save(tmp_path / 'bundle')
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_share_memory_are_saved(tiny_bundle, tmp_path):
    bundle = Bundle.load(tiny_bundle)
    shared = torch.arange(12.0)
    replay = {'whole': shared, 'part': shared[:6]}
    folder = dataclasses.replace(bundle, replay=replay).save(tmp_path / 'bundle')
    assert torch.equal(Bundle.load(folder).replay['part'], shared[:6])


KILLED_SAVES = '''
import itertools, os, random, signal, sys, time
from uda_seg_ros.bundle import Bundle
bundle, out, rng = Bundle.load(sys.argv[1]), sys.argv[2], random.Random(0)
bundle.check(out)  # imports all there is to import
interrupted = 0
for turn in range(60):
    if interrupted >= 6:
        break
    child = os.fork()
    if child == 0:
        for number in itertools.count():
            bundle.save(f'{out}/{turn}/{number}')
    time.sleep(rng.uniform(0.02, 0.12) * (1 + turn / 10))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    interrupted += any(name.startswith('.') for _, names, _ in os.walk(f'{out}/{turn}') for name in names)
'''


def test_a_killed_save_leaves_a_whole_bundle_or_none(tiny_bundle, tmp_path):
    subprocess.run([sys.executable, '-c', KILLED_SAVES, str(tiny_bundle), str(tmp_path)], cwd=ROOT, check=True, timeout=60,
                   env={**os.environ, 'OMP_NUM_THREADS': '1'})
    left = list(tmp_path.glob('*/*'))
    drafts = [folder for folder in left if folder.name.startswith('.')]
    assert drafts, 'no save was killed in the middle'
    for folder in set(left) - set(drafts):
        Bundle.load(folder)


@pytest.mark.parametrize('keep_aspect, picture, expected', [
    (True, (480, 640), (320, 416)), (True, (256, 512), (256, 512)), (True, (10, 10000), (32, 11456)),
    (False, (480, 640), (256, 512)), (False, (3, 3), (256, 512))])
def test_network_size(keep_aspect, picture, expected):
    assert Preprocess(256, 512, keep_aspect).network_size(*picture, 32) == expected


@pytest.mark.parametrize('change', [{'height': 0}, {'width': -1}, {'std': (1.0, 0.0, 1.0)}])
def test_impossible_preprocessing_is_refused(change):
    with pytest.raises(ConfigError):
        Preprocess(**{'height': 64, 'width': 64, **change})


def test_the_manifest_is_plain_text(tiny_bundle):
    text = (tiny_bundle / 'bundle.yaml').read_text()
    assert 'traffic light' in text
    assert '!!' not in text
    assert read_manifest(tiny_bundle).labels == CITYSCAPES

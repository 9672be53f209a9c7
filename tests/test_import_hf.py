"""Hugging Face SegFormer checkpoints, written by transformers itself, become bundles with the same logits."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import torch

from uda_seg_ros.bundle import Bundle, BundleError
from uda_seg_ros.import_hf import import_hf, label_space, licence, preprocessing
from uda_seg_ros.labels import CITYSCAPES


def same_logits(network, bundle):
    image = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        torch.testing.assert_close(bundle.network()(image), network(image).logits, rtol=1e-4, atol=1e-4)


@pytest.fixture
def source(tmp_path):
    return tmp_path / 'checkpoint'


def to_bin(folder):
    from safetensors.torch import load_file
    torch.save(load_file(folder / 'model.safetensors'), folder / 'pytorch_model.bin')
    (folder / 'model.safetensors').unlink()


def test_weights_in_several_files_and_in_a_bin_file_are_read(source, tmp_path, hf_checkpoint):
    network = hf_checkpoint(source, max_shard_size='20KB')
    assert len(list(source.glob('*.safetensors'))) > 1
    same_logits(network, Bundle.load(import_hf(source, tmp_path / 'sharded')))
    shutil.rmtree(source)
    network = hf_checkpoint(source)
    to_bin(source)
    same_logits(network, Bundle.load(import_hf(source, tmp_path / 'from-bin')))


def test_cityscapes_names_give_its_label_space_and_palette(source, tmp_path, hf_checkpoint):
    hf_checkpoint(source)
    bundle = Bundle.load(import_hf(source, tmp_path / 'bundle'))
    assert bundle.labels == CITYSCAPES
    assert (bundle.preprocess.height, bundle.preprocess.width, bundle.preprocess.keep_aspect) == (64, 128, True)
    assert bundle.provenance['source'] == 'checkpoint' and 'not stated' in bundle.provenance['licence']


def test_other_names_give_a_space_of_their_own_with_colours_that_differ(source, tmp_path, hf_checkpoint):
    names = [f'thing {i}' for i in range(148)] + ['screen', 'screen']
    hf_checkpoint(source, names)
    labels = Bundle.load(import_hf(source, tmp_path / 'bundle')).labels
    assert labels.num_classes == 150 == len(set(labels.colors))
    assert labels.names[-2:] == ('screen (148)', 'screen (149)')


def test_preprocessing_is_taken_over(tmp_path):
    path = tmp_path / 'preprocessor_config.json'
    path.write_text(json.dumps({'size': 640, 'image_mean': [0.5] * 3, 'image_std': [0.25] * 3, 'reduce_labels': True}))
    preprocess, note = preprocessing(path)
    assert (preprocess.height, preprocess.width, preprocess.mean, preprocess.std) == (640, 640, (0.5,) * 3, (0.25,) * 3)
    assert 'do_reduce_labels' in note
    path.write_text(json.dumps({'do_normalize': False, 'do_rescale': False}))
    assert preprocessing(path)[0].std == (1 / 255,) * 3
    assert 'default' in preprocessing(tmp_path / 'nothing.json')[1]


@pytest.mark.parametrize('card, words', [
    ('---\nlicense: other\ntags:\n- vision\n---\n# SegFormer', 'other (as the model card says'),
    ('# no front matter', 'not stated'), ('---\n: [\n---\n', 'not stated')])
def test_licence_is_what_the_card_says(tmp_path, card, words):
    (tmp_path / 'README.md').write_text(card)
    assert words in licence(tmp_path)


def edit_config(folder, **changes):
    path = folder / 'config.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize('spoil, words', [
    (lambda folder: edit_config(folder, model_type='bert', architectures=['BertModel']), 'this is BertModel'),
    (lambda folder: edit_config(folder, architectures=['SegformerForImageClassification']), 'only SegformerForSemantic'),
    (lambda folder: edit_config(folder, patch_sizes=[7, 3, 3, 5]), 'patch_sizes'),
    (lambda folder: edit_config(folder, depths=[1, 2, 1, 2]), 'missing tensor'),
    (lambda folder: edit_config(folder, id2label={'0': 'road'}), 'id2label has 1 entries'),
    (lambda folder: (folder / 'config.json').unlink(), 'config.json: not found'),
    (lambda folder: (folder / 'config.json').write_text('{'), 'cannot be read'),
    (lambda folder: (folder / 'model.safetensors').unlink(), 'no weights'),
    (lambda folder: (folder / 'model.safetensors').write_bytes(b'damaged'), 'cannot be read as tensors')])
def test_a_checkpoint_that_cannot_be_imported_is_refused_in_words(source, tmp_path, hf_checkpoint, spoil, words):
    hf_checkpoint(source)
    spoil(source)
    with pytest.raises(BundleError, match=words):
        import_hf(source, tmp_path / 'bundle')
    assert not (tmp_path / 'bundle').exists()


def test_a_bin_file_that_holds_more_than_tensors_is_refused(source, tmp_path, hf_checkpoint):
    hf_checkpoint(source)
    (source / 'model.safetensors').unlink()
    torch.save({'path': source}, source / 'pytorch_model.bin')
    with pytest.raises(BundleError, match='cannot be read as tensors'):
        import_hf(source, tmp_path / 'bundle')


def test_a_missing_part_of_the_weights_is_named(source, tmp_path, hf_checkpoint):
    hf_checkpoint(source, max_shard_size='20KB')
    sorted(source.glob('*.safetensors'))[0].unlink()
    with pytest.raises(BundleError, match='named in the index'):
        import_hf(source, tmp_path / 'bundle')


def test_neither_a_folder_nor_an_id_is_told(tmp_path):
    with pytest.raises(BundleError, match='no such folder'):
        import_hf(tmp_path / 'nothing', tmp_path / 'bundle')


def test_an_id_without_huggingface_hub_tells_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(BundleError, match='pip install huggingface_hub'):
        import_hf('owner/name', tmp_path / 'bundle')


def test_labels_without_names_are_numbered(tmp_path):
    assert label_space({}, 3, tmp_path).names == ('class 0', 'class 1', 'class 2')


def test_an_id_is_fetched_through_the_hub_without_the_bin_file_where_safetensors_are(source, tmp_path, hf_checkpoint,
                                                                                      monkeypatch):
    hub = pytest.importorskip('huggingface_hub')
    network, asked = hf_checkpoint(source), []
    monkeypatch.setattr(hub, 'snapshot_download', lambda name, allow_patterns: asked.append(allow_patterns) or str(source))
    bundle = Bundle.load(import_hf('owner/name', tmp_path / 'bundle'))
    assert len(asked) == 1 and bundle.provenance['source'] == 'owner/name'
    same_logits(network, bundle)
    to_bin(source)
    import_hf('owner/name', tmp_path / 'from-bin')
    assert asked[-1] == ['pytorch_model*.bin']


def test_an_id_that_cannot_be_fetched_is_told(tmp_path, monkeypatch):
    hub = pytest.importorskip('huggingface_hub')
    monkeypatch.setattr(hub.constants, 'HF_HUB_OFFLINE', True)
    with pytest.raises(BundleError, match='owner/no-such-name: cannot be fetched'):
        import_hf('owner/no-such-name', tmp_path / 'bundle')

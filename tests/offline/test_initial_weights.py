"""First tensors of a network: every layout is made here from our own networks, by naming their tensors as publishers do."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from offline.load_recipe import to_recipe
from offline.recipe import NetworkSpec
from offline.training.stages import train_recipe
from offline.weights.initial import load
from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CAMVID, CITYSCAPES, SYNTHIA, LabelSpace, mapping
from uda_seg_ros.models import build

from . import format_samples
from .published_layouts import (
    drn_layers,
    drn_numbered,
    encoder_only,
    mit_authors,
    mit_mmseg,
    torchvision_resnet,
    without_counters,
)

FEW = LabelSpace('few', ('road', 'car', 'sky'), ((0, 0, 0),) * 3)
TINY = {'channels': (8, 16, 20, 16), 'depths': (1, 2, 1, 1), 'heads': (1, 2, 5, 2), 'width': 16}


def network(name: str, labels: LabelSpace = FEW, seed: int = 0, **settings):
    """Random tensors, none of which is what it is in a new network."""
    torch.manual_seed(seed)
    made = build(name, labels.num_classes, **settings)
    for tensor in made.state_dict().values():
        if tensor.is_floating_point():
            torch.nn.init.uniform_(tensor, 0.5, 1.5)
    return made


LAYOUTS = {
    'our own names': ('fast_scnn', {'width': 0.25}, lambda made: made.state_dict(), 'our own names', True),
    'our own names, the encoder only': ('fast_scnn', {'width': 0.25}, encoder_only, 'our own names', False),
    'in a checkpoint of DistributedDataParallel': (
        'fast_scnn', {'width': 0.25}, lambda made: {'epoch': 3, 'state_dict': {
            f'module.{key}': tensor for key, tensor in made.state_dict().items()}}, 'our own names', True),
    'ResNet-50': ('deeplab_v2_resnet50', {}, torchvision_resnet, 'torchvision ResNet', False),
    'ResNet of an older file': ('deeplab_v2_resnet50', {}, lambda made: without_counters(torchvision_resnet(made)),
                                'torchvision ResNet', False),
    'DRN': ('drn_d_22', {}, drn_layers, 'DRN authors', False),
    'DRN of a whole network': ('drn_d_22', {}, drn_numbered, 'DRN authors, numbered', True),
    'MiT': ('segformer', TINY, mit_authors, 'MiT authors', False),
    'MiT of mmsegmentation': ('segformer', TINY, mit_mmseg, 'MiT of mmsegmentation', False),
}


@pytest.mark.parametrize('case', LAYOUTS)
def test_a_published_layout_fills_the_encoder_and_what_of_the_head_is_there(tmp_path, case):
    name, settings, publish, layout, whole = LAYOUTS[case]
    source, loaded = network(name, **settings), network(name, seed=1, **settings)
    before = {key: tensor.clone() for key, tensor in loaded.state_dict().items()}
    torch.save(publish(source), tmp_path / 'weights.pth')
    line = load(loaded, NetworkSpec(name, settings, str(tmp_path / 'weights.pth')), FEW)
    own = encoder_only(loaded)
    for key, tensor in loaded.state_dict().items():
        from_file = key in own or whole
        if not key.endswith('num_batches_tracked'):
            assert torch.equal(tensor, source.state_dict()[key] if from_file else before[key]), key
    assert f'from weights.pth ({layout})' in line and ('random: ' in line) is not whole


def test_a_checkpoint_of_hugging_face_fills_encoder_head_and_classes(tmp_path, hf_checkpoint):
    from uda_seg_ros.import_hf import import_hf
    hf_checkpoint(tmp_path / 'checkpoint')
    imported = Bundle.load(import_hf(tmp_path / 'checkpoint', tmp_path / 'bundle'))
    spec = NetworkSpec(imported.model.name, imported.model.settings, f'hf:{tmp_path / "checkpoint"}')
    loaded = network(spec.name, CITYSCAPES, **spec.settings)
    assert 'SegFormer of Hugging Face' in load(loaded, spec, CITYSCAPES)
    assert all(torch.equal(tensor, imported.tensors[key]) for key, tensor in loaded.state_dict().items())


def test_an_image_classifier_of_hugging_face_fills_the_encoder(tmp_path, hf_checkpoint):
    transformers = pytest.importorskip('transformers')
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 16, 20, 16], depths=[1, 2, 1, 1], num_attention_heads=[1, 2, 5, 2])
    transformers.SegformerForImageClassification(config).save_pretrained(tmp_path / 'mit')
    loaded = network('segformer', **TINY)
    line = load(loaded, NetworkSpec('segformer', TINY, f'hf:{tmp_path / "mit"}'), FEW)
    assert 'random: head' in line
    theirs = load_file(tmp_path / 'mit' / 'model.safetensors')['segformer.encoder.block.1.1.attention.self.value.weight']
    assert torch.equal(loaded.encoder.stages[1][1].attention.value.weight, theirs)


def bundle_of(folder, labels: LabelSpace):
    made = network('fast_scnn', labels, width=0.25)
    Bundle(ModelSpec('fast_scnn', {'width': 0.25}), labels, Preprocess(64, 64), made.state_dict()).save(folder)
    return made


def test_a_bundle_of_the_same_classes_is_taken_as_it_is(tmp_path):
    source = bundle_of(tmp_path / 'bundle', CITYSCAPES)
    loaded = network('fast_scnn', CITYSCAPES, 1, width=0.25)
    load(loaded, NetworkSpec('fast_scnn', {'width': 0.25}, f'bundle:{tmp_path / "bundle"}'), CITYSCAPES)
    assert all(torch.equal(tensor, source.state_dict()[key]) for key, tensor in loaded.state_dict().items())


def test_a_run_gives_its_last_student(tmp_path, monkeypatch):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    data = format_samples.write(tmp_path / 'data')
    recipe = to_recipe({
        'data': {'labels': 'cityscapes19', 'source': data['gta5']}, 'loader': {'batch': 1, 'crop': [64, 64]},
        'networks': {'student': {'name': 'fast_scnn', 'settings': {'width': 0.25}}},
        'stages': [{'name': 'only', 'method': 'source_only', 'steps': 1}],
        'preprocess': {'height': 64, 'width': 64}}, 'here')
    run = train_recipe(recipe, tmp_path / 'run', device='cpu', report=lambda line: None)
    loaded = network('fast_scnn', CITYSCAPES, 1, width=0.25)
    line = load(loaded, NetworkSpec('fast_scnn', {'width': 0.25}, f'run:{tmp_path / "run"}'), CITYSCAPES)
    assert all(torch.equal(tensor, run.part('student')[key]) for key, tensor in loaded.state_dict().items())
    assert '(fast_scnn, cityscapes19)' in line


@pytest.mark.parametrize('labels', [SYNTHIA, CAMVID], ids=lambda labels: labels.name)
def test_classes_are_mapped_by_name(tmp_path, labels):
    source = bundle_of(tmp_path / 'bundle', CITYSCAPES)
    loaded = network('fast_scnn', labels, 1, width=0.25)
    line = load(loaded, NetworkSpec('fast_scnn', {'width': 0.25}, f'bundle:{tmp_path / "bundle"}?classes=map'), labels)
    rows = mapping(labels, CITYSCAPES)[:labels.num_classes]
    for own, theirs in zip(loaded.classifier[-1].parameters(), source.classifier[-1].parameters()):
        assert torch.equal(own, theirs[torch.from_numpy(rows).long()])
    assert f'{labels.num_classes} of {labels.num_classes} classes mapped from cityscapes19' in line


def test_a_class_that_the_file_lacks_gets_the_mean_of_its_rows_and_is_named(tmp_path):
    source = bundle_of(tmp_path / 'bundle', SYNTHIA)
    loaded = network('fast_scnn', CITYSCAPES, 1, width=0.25)
    line = load(loaded, NetworkSpec('fast_scnn', {'width': 0.25}, f'bundle:{tmp_path / "bundle"}?classes=map'), CITYSCAPES)
    assert line.endswith('16 of 19 classes mapped from synthia16, the mean of its rows for: terrain, truck, train')
    terrain = loaded.classifier[-1].weight[CITYSCAPES.names.index('terrain')]
    torch.testing.assert_close(terrain, source.classifier[-1].weight.mean(0))


@pytest.mark.parametrize('options, kept', [
    ('classes=fresh', 'classifier.3.'), ('head=fresh', 'classifier.'), ('head=fresh', 'fusion.')])
def test_what_is_fresh_stays_as_it_was(tmp_path, options, kept):
    source = bundle_of(tmp_path / 'bundle', CITYSCAPES)
    loaded = network('fast_scnn', FEW, 1, width=0.25)
    before = {key: tensor.clone() for key, tensor in loaded.state_dict().items()}
    line = load(loaded, NetworkSpec('fast_scnn', {'width': 0.25}, f'bundle:{tmp_path / "bundle"}?{options}'), FEW)
    assert all(torch.equal(tensor, before[key]) for key, tensor in loaded.state_dict().items() if key.startswith(kept))
    assert torch.equal(loaded.fine[0][0].weight, source.fine[0][0].weight)
    assert line.endswith('random: classifier.3' if 'classes' in options else 'random: fusion, classifier')


def test_the_published_espnet_v2_serves_any_label_space(data_root):
    file = data_root / 'weights' / 'espnetv2_city' / 'espnetv2_s_0.5_city_1024x512.pth'
    published = torch.load(file, weights_only=True, map_location='cpu')
    for labels in (CITYSCAPES, CAMVID):
        loaded = build('espnet_v2', labels.num_classes, scale=0.5)
        line = load(loaded, NetworkSpec('espnet_v2', {'scale': 0.5}, f'{file}?classes=map'), labels)
        rows = torch.from_numpy(mapping(labels, CITYSCAPES)[:labels.num_classes]).long()
        assert torch.equal(loaded.decoder.pyramids[-1].output.bias, published['bu_dec_l4.merge_layer.3.bias'][rows])
        assert 'mapped from cityscapes19' in line
    with pytest.raises(ConfigError, match=r'has 20 classes .no named classes., cityscapes19 has 19; add .classes=map'):
        load(loaded, NetworkSpec('espnet_v2', {'scale': 0.5}, str(file)), CITYSCAPES)


def spoilt(folder, change) -> str:
    tensors = dict(network('fast_scnn', width=0.25).state_dict())
    change(tensors)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / 'weights.safetensors')
    return str(folder / 'weights.safetensors')


@pytest.mark.parametrize('change, words', [
    (lambda tensors: tensors.pop('fine.0.0.weight'), r"249 of 250 tensors fit; 1 are missing, as 'fine.0.0.weight'"),
    (lambda tensors: tensors.pop('fusion.fine.0.weight'), "1 are missing, as 'fusion.fine.0.weight'"),
    (lambda tensors: tensors.update({'surplus': torch.ones(1)}), "1 of the file have no place, as 'surplus'"),
    (lambda tensors: tensors.update({'fine.0.0.weight': torch.ones(2)}),
     "1 differ in shape, as 'fine.0.0.weight': .2,. there"),
    (lambda tensors: [tensors.pop(key) for key in list(tensors)] and tensors.update({'a': torch.ones(1)}),
     "0 of 1 tensors fit fast_scnn .the first is 'a'.; known layouts: our own names")])
def test_what_does_not_fit_exactly_is_one_clear_error_and_changes_nothing(tmp_path, change, words):
    weights = spoilt(tmp_path, change)
    loaded = network('fast_scnn', seed=1, width=0.25)
    before = {key: tensor.clone() for key, tensor in loaded.state_dict().items()}
    with pytest.raises(ConfigError, match=words):
        load(loaded, NetworkSpec('fast_scnn', {'width': 0.25}, weights), FEW)
    assert all(torch.equal(tensor, before[key]) for key, tensor in loaded.state_dict().items())


@pytest.mark.parametrize('weights, words', [
    ('nothing.pth', 'nothing.pth: no such file'),
    ('bundle:nothing', 'nothing.bundle.yaml: not found'),
    ('run:nothing', 'nothing: not a run'),
    ('hf:nothing', 'nothing: no such folder, and not an id'),
    ('{here}/weights.txt', 'a file ends with .safetensors'),
    ('{here}/object.pth', 'cannot be read as tensors'),
    ('{here}/list.pth', 'expected a mapping of names to tensors'),
    ('x.pth?head=new', "'new' is not possible"),
    ('x.pth?haed=fresh', "unknown key 'haed' .did you mean 'head'"),
    ('x.pth?classes=map&labels=cityscapes', "'cityscapes' is unknown .did you mean 'cityscapes19'"),
    ('x.pth?fresh', 'after "." stands option=value')])
def test_a_source_that_cannot_be_used_is_one_clear_error(tmp_path, weights, words):
    (tmp_path / 'weights.txt').write_text('')
    torch.save({'path': tmp_path}, tmp_path / 'object.pth')
    torch.save([torch.ones(1)], tmp_path / 'list.pth')
    with pytest.raises(ConfigError, match=words):
        load(network('fast_scnn', width=0.25), NetworkSpec('fast_scnn', {'width': 0.25}, weights.format(here=tmp_path)), FEW)


def test_a_file_that_does_not_name_its_classes_is_mapped_only_where_the_recipe_says_which(tmp_path):
    torch.save(network('fast_scnn', CAMVID, width=0.25).state_dict(), tmp_path / 'weights.pt')
    loaded = network('fast_scnn', CITYSCAPES, width=0.25)

    def with_options(options: str) -> str:
        spec = NetworkSpec('fast_scnn', {'width': 0.25}, f'{tmp_path / "weights.pt"}?{options}')
        return load(loaded, spec, CITYSCAPES)
    with pytest.raises(ConfigError, match=r'which 11 classes. Add &labels=NAME'):
        with_options('classes=map')
    with pytest.raises(ConfigError, match='has 11 classes, cityscapes19 has 19'):
        with_options('classes=map&labels=cityscapes19')
    assert 'mapped from camvid11' in with_options('classes=map&labels=camvid11')


def test_a_damaged_checkpoint_folder_is_refused_in_words(tmp_path):
    (tmp_path / 'config.json').write_text(json.dumps({'model_type': 'segformer'}))
    with pytest.raises(ConfigError, match='no weights; one of these is needed'):
        load(network('segformer', **TINY), NetworkSpec('segformer', TINY, f'hf:{tmp_path}'), FEW)


def test_no_weights_is_said_too():
    assert load(network('fast_scnn', width=0.25), NetworkSpec('fast_scnn'), FEW) == 'fast_scnn: random weights'

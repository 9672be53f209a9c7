"""An exported bundle carries balanced crops and statistics, and is written only if it is the trained network."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from offline.datasets import Dataset
from offline.datasets.procedural import Drives, Procedural
from offline.evaluate import command as evaluate
from offline.export import command as export
from offline.export.command import ExportError, write_proven
from offline.export.feature_statistics import source_statistics
from offline.export.parity import agreement
from offline.export.replay import Pictures, balanced, cut
from offline.export.source_memory import Amounts, source_memory
from offline.load_recipe import as_yaml, to_recipe
from offline.loading.crops import resized_image, resized_label
from offline.training.run_folder import RunFolder
from uda_seg_ros import cli
from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess, default_bundle
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES, IGNORE
from uda_seg_ros.models import build
from uda_seg_ros.replay import GATE, REPLAY, Crops
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.source_statistics import SourceStatistics, StatisticsError

CLASSES = CITYSCAPES.num_classes


@pytest.fixture(scope='module')
def bundle() -> Bundle:
    torch.manual_seed(4)
    network = build('fast_scnn', CLASSES, width=0.25).train()
    with torch.no_grad():
        network(torch.randn(4, 3, 96, 160))  # BatchNorm statistics that are not 0 and 1: folding must matter
    return Bundle(ModelSpec('fast_scnn', {'width': 0.25}), CITYSCAPES, Preprocess(96, 160), network.state_dict())


class Numbered(Dataset):
    """Pictures of one grey each, by number; every label shows road, every tenth a bicycle, the rest nothing."""

    labels = CITYSCAPES
    BICYCLE = CITYSCAPES.names.index('bicycle')

    def __init__(self, count: int, size: tuple[int, int] = (96, 160)) -> None:
        self.count, self.size = count, size

    def __len__(self):
        return self.count

    def image(self, index):
        return np.full((*self.size, 3), index, np.uint8)

    def label(self, index):
        label = np.full(self.size, IGNORE, np.uint8)
        label[60:] = 0
        label[:30] = self.BICYCLE if index % 10 == 3 else IGNORE
        return label

    def name(self, index):
        return str(index)


def numbers(crops: Crops) -> list[int]:
    return [round(float(crop.image.mean())) for crop in crops]


def test_rare_classes_are_in_as_many_crops_as_common_ones():
    """Of 1000 crops 900 show the first class, 200 the second, 20 the third and none the fourth."""
    rng = np.random.default_rng(0)
    present = rng.random((1000, 4)) < (0.9, 0.2, 0.02, 0)
    chosen = balanced(present, 60, rng)
    assert len(set(chosen)) == 60
    tally = present[chosen].sum(0)
    assert tally[2] == min(present[:, 2].sum(), tally[2]) >= 15 and tally[1] >= 20 and tally[3] == 0
    assert present[rng.permutation(1000)[:60], 2].sum() < 8  # by chance there would be few


def test_any_beginning_of_the_choice_is_balanced():
    present = np.eye(5, dtype=bool).repeat((400, 300, 200, 90, 10), 0)
    chosen = balanced(present, 50, np.random.default_rng(1))
    for count in (5, 25, 50):
        assert (present[chosen[:count]].sum(0) == count // 5).all()


def test_crops_without_any_class_fill_up_and_all_can_be_asked_for():
    assert sorted(balanced(np.zeros((4, 3), bool), 9, np.random.default_rng(0))) == [0, 1, 2, 3]


@pytest.fixture(scope='module')
def memory(bundle) -> dict[str, torch.Tensor]:
    return source_memory(bundle, [Numbered(60), Numbered(60)], [], Amounts(20, 8, statistics=6), device='cpu', quiet=True)


def test_a_planted_imbalance_is_evened_out(memory):
    """One picture in ten shows a bicycle; far more of the crops do."""
    pixels = Crops(memory, REPLAY).class_pixels
    assert len(pixels) == 20 and (pixels[:, 0] > 0).all()
    assert (pixels[:, Numbered.BICYCLE] > 0).sum() >= 8


def test_no_picture_serves_replay_and_gate(bundle):
    tensors = source_memory(bundle, [Numbered(60)], [], Amounts(40, 10, statistics=2), device='cpu', quiet=True)
    replay, gate = (numbers(Crops(tensors, name)) for name in (REPLAY, GATE))
    assert len(replay) == 40 and len(gate) == 10
    assert not set(replay) & set(gate) and len(set(replay)) == 40


def test_gate_data_of_their_own_are_taken(bundle):
    class Bright(Numbered):
        def image(self, index):
            return super().image(200 + index)
    tensors = source_memory(bundle, [Numbered(40)], [Bright(20)], Amounts(10, 5, statistics=3), device='cpu', quiet=True)
    assert min(numbers(Crops(tensors, GATE))) >= 200 > max(numbers(Crops(tensors, REPLAY)))
    assert SourceStatistics.of(tensors).signals[:, 2].min() > 199 / 255  # brightness: measured on the gate data


def test_the_same_seed_chooses_the_same_and_another_does_not(bundle, memory):
    sources, amounts = [Numbered(60), Numbered(60)], Amounts(20, 8, statistics=6)
    again = source_memory(bundle, sources, [], amounts, device='cpu', quiet=True)
    assert all(torch.equal(tensor, again[name]) for name, tensor in memory.items())
    other = source_memory(bundle, sources, [], dataclasses.replace(amounts, seed=1), device='cpu', quiet=True)
    assert numbers(Crops(other, REPLAY)) != numbers(Crops(memory, REPLAY))


def test_replay_and_gate_share_the_megabytes_by_their_numbers(bundle):
    whole = source_memory(bundle, [Numbered(60)], [], Amounts(30, 10, statistics=1), device='cpu', quiet=True)
    most = sum(Crops(whole, name).num_bytes for name in (REPLAY, GATE)) / 2
    tensors = source_memory(bundle, [Numbered(60)], [], Amounts(30, 10, most / 1e6, 1), device='cpu', quiet=True)
    replay, gate = (Crops(tensors, name) for name in (REPLAY, GATE))
    assert replay.num_bytes + gate.num_bytes <= most and 8 < len(replay) < 30 and 2 < len(gate) < 10


@pytest.mark.parametrize('change', [{'replay': 0}, {'gate': -1}, {'megabytes': 0.0}])
def test_impossible_amounts_are_refused(change):
    with pytest.raises(ConfigError):
        Amounts(**change)


@pytest.mark.parametrize(('shape', 'size'), [((96, 160), (96, 160)), ((192, 320), (96, 160)), ((300, 200), (96, 160)),
                                             ((50, 400), (96, 160)), ((97, 161), (96, 160))])
def test_a_crop_covers_the_input_and_image_and_label_stay_together(shape, size):
    label = np.zeros(shape, np.uint8)
    label[shape[0] // 2 :, shape[1] // 2 :] = 1
    image = label[..., None].repeat(3, 2) * 200
    for shift in ((0, 0), (1, 1), (0.3, 0.6)):
        cut_image, cut_label = cut(image, size, shift, resized_image), cut(label, size, shift, resized_label)
        assert cut_image.shape == (*size, 3) and cut_label.shape == size
        assert ((cut_image[..., 0] > 100) == cut_label).mean() > 0.98


def test_pictures_of_several_data_sets_are_numbered_on():
    pictures = Pictures((Numbered(3), Numbered(2)))
    assert len(pictures) == 5 and [pictures.find(n)[1] for n in range(5)] == [0, 1, 2, 0, 1]
    with pytest.raises(IndexError):
        pictures.find(5)


def test_what_is_saved_comes_back(bundle, memory, tmp_path):
    loaded = Bundle.load(dataclasses.replace(bundle, replay=memory).save(tmp_path / 'bundle'))
    assert numbers(Crops(loaded.replay, GATE)) == numbers(Crops(memory, GATE))
    there, back = SourceStatistics.of(memory), SourceStatistics.of(loaded.replay)
    assert torch.equal(there.signals, back.signals) and torch.equal(there.features[1].var, back.features[1].var)


def test_statistics_are_those_of_the_network_on_the_source(bundle, tmp_path):
    data = Procedural(tmp_path, Drives('town_a', 'clear', (3,), 3, height=96))
    statistics = source_statistics(Engine(bundle, device='cpu'), data)
    network, seen = bundle.network(), []
    for image in (data.image(index) for index in range(3)):
        mean, std = np.array(Preprocess.mean), np.array(Preprocess.std)
        small = (resized_image(image, (96, 160)) / 255 - mean) / std
        with torch.no_grad():
            seen.append(network.forward_features(torch.from_numpy(small).float().permute(2, 0, 1)[None]))
    for layer, moments in enumerate(statistics.features):
        values = torch.cat([features[layer][0].flatten(1) for features in seen], 1)
        torch.testing.assert_close(moments.mean, values.mean(1), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(moments.var, values.var(1, unbiased=False), atol=1e-4, rtol=1e-3)
    assert statistics.num_pictures == 3 and statistics.entropy.sum() == statistics.confidence.sum() == 3 * 12 * 20
    torch.testing.assert_close(statistics.class_shares.sum(1), torch.ones(3))
    labels = np.stack([data.label(index) for index in range(3)])
    assert float(statistics.class_prior[0]) == pytest.approx((labels == 0).sum() / (labels != IGNORE).sum())


def test_night_lies_beyond_all_that_the_source_shows(tmp_path):
    """With the default bundle, which was trained on clear weather."""
    engine = Engine(Bundle.load(default_bundle()), device='cpu')
    clear, night = (source_statistics(engine, Procedural(tmp_path, Drives('town_a', weather, (2001,), 4, height=180)))
                    for weather in ('clear', 'night:0.9:4'))
    assert night.quantile('entropy', 0) > clear.quantile('entropy', 1)
    assert night.quantile('brightness', 1) < clear.quantile('brightness', 0)


def test_statistics_that_lack_something_are_refused(memory):
    for name, words in (('statistics.signals', 'no tensor statistics.signals'), ('statistics.', 'no source statistics')):
        left = {key: tensor for key, tensor in memory.items() if not key.startswith(name)}
        with pytest.raises(StatisticsError, match=words):
            SourceStatistics.of(left)
    signals = memory['statistics.signals'].clone()
    signals[0, 0] = float('nan')
    with pytest.raises(StatisticsError, match='holds what is no number'):
        SourceStatistics.of({**memory, 'statistics.signals': signals})


@pytest.fixture
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [rng.integers(0, 256, (12, 20, 3), np.uint8).repeat(16, 0).repeat(16, 1) for _ in range(2)]


def test_the_engine_and_the_trained_network_agree(bundle, images):
    assert agreement(bundle.network(), bundle, images, 'cpu') >= 0.999


def test_a_bundle_of_another_network_is_not_written(bundle, images, tmp_path):
    """One tensor of all is another: the classifier's bias."""
    tensors = {name: tensor.clone() for name, tensor in bundle.tensors.items()}
    tensors['classifier.3.bias'][:] += torch.linspace(-1, 1, CLASSES)
    with pytest.raises(ExportError, match=r'not written: the engine gives only'):
        write_proven(dataclasses.replace(bundle, tensors=tensors), bundle.network(), images, tmp_path / 'bundle', 'cpu')
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_bundle_that_inspect_explains(bundle, tmp_path, capsys, monkeypatch):
    source, out = bundle.save(tmp_path / 'source'), tmp_path / 'out'
    spec = f'procedural:{tmp_path}/drives?town=town_a&weather=clear&seeds=[3]&frames=12&height=96'
    assert export.main([str(source), '--out', str(out), '--data', spec, '--replay', '6', '--gate-crops', '2', '--statistics',
                        '4', '--evaluate', f'source={spec}', '--device', 'cpu']) == 0
    assert '100.000 %' in capsys.readouterr().out
    loaded = Bundle.load(out)
    assert len(Crops(loaded.replay, REPLAY)) == 6 and len(Crops(loaded.replay, GATE)) == 2
    assert loaded.provenance['replay']['seed'] == 0 and set(loaded.provenance['miou_percent']) == {'source'}
    assert cli.main(['inspect', str(out)]) == 0
    told = capsys.readouterr().out
    for words in ('6 crops of 160x96', '2 crops of 160x96', 'without: ', '4 source pictures, features of 2 layers'):
        assert words in told
    assert cli.main(['inspect', str(out), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['replay']['crops'] == 6
    assert export.main([str(out), '--out', str(tmp_path / 'bare'), '--replay', '0', '--device', 'cpu']) == 0
    assert Bundle.load(tmp_path / 'bare').replay is None


@pytest.fixture
def run(bundle, tmp_path) -> RunFolder:
    """As the trainer leaves it: recipe, run.json and the parts of one finished stage."""
    recipe = to_recipe({
        'seed': 7, 'preprocess': {'height': 96, 'width': 160}, 'loader': {'batch': 1, 'crop': [96, 160]},
        'networks': {'student': {'name': 'fast_scnn', 'settings': {'width': 0.25}}},
        'data': {'labels': 'cityscapes19', 'source': {
            'kind': 'procedural', 'path': str(tmp_path / 'drives'),
            'options': {'town': 'town_a', 'weather': 'clear', 'seeds': [3], 'frames': 12, 'height': 96}}},
        'stages': [{'name': 'clear', 'method': 'source_only', 'steps': 5}]}, 'recipe')
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / 'recipe.yaml').write_text(as_yaml(recipe))
    made = RunFolder(folder)
    made.update_summary(seed=7, code='abc', versions={'torch': '2'})
    made.stages()[0].save_parts({'student': bundle.network()})
    return made


def test_a_run_becomes_a_bundle_with_replay_of_its_recipe_s_source(bundle, run, tmp_path, capsys):
    arguments = [str(run.path), '--out', str(tmp_path / 'out'), '--replay', '4', '--gate-crops', '1', '--statistics', '2']
    assert export.main([*arguments, '--device', 'cpu']) == 0
    loaded = Bundle.load(tmp_path / 'out')
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in bundle.tensors.items())
    assert len(Crops(loaded.replay, REPLAY)) == 4
    provenance = loaded.provenance
    assert (provenance['seed'], provenance['code'], provenance['method']) == (7, 'abc', 'source_only')
    assert provenance['stages'] == ['clear: source_only, 5 steps'] and provenance['data']['target'] == []
    assert provenance['data']['source'][0].startswith(f'procedural:{tmp_path}/drives?town=town_a&weather=clear')
    assert evaluate.main([str(run.path), '--data', provenance['data']['source'][0], '--limit', '1', '--device', 'cpu']) == 0


def test_a_run_that_is_not_finished_is_told(run, tmp_path, capsys):
    shutil.rmtree(run.stages()[0].networks)
    assert export.main([str(run.path), '--out', str(tmp_path / 'out')]) == 1
    assert 'no stage is finished' in capsys.readouterr().err and not (tmp_path / 'out').exists()


@pytest.mark.parametrize(('arguments', 'words'), [
    (['nowhere', '--out', 'new'], 'there is no such folder'),
    (['bundle', '--out', 'bundle'], 'exists already'),
    (['bundle', '--out', 'bundle/weights.safetensors/new'], 'weights.safetensors: cannot be written: '),
    (['bundle', '--out', 'new', '--data', 'camvid:nowhere'], 'nowhere'),
    (['bundle', '--out', 'new', '--data', 'camvid:nowhere', '--replay', '-3'], 'replay and statistics must be'),
    (['bundle', '--out', 'new', '--device', 'tpu'], "'tpu'")])
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(bundle, tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    bundle.save('bundle')
    assert export.main(arguments) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('error: ') and words in error
    assert [path.name for path in tmp_path.iterdir()] == ['bundle']

"""Scores equal what is worked out by hand; windows and flips do what they say; the command tells and shows it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from offline.datasets import Dataset
from offline.evaluate import EvaluationError, Views, command, score
from offline.evaluate.contact import errors, extremes
from offline.evaluate.named_data import named
from offline.evaluate.score import chosen, scoring_space
from offline.evaluate.scores import ImageScore
from offline.evaluate.views import look, predictor, starts
from offline.samples import Sample
from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE, LabelSpace
from uda_seg_ros.models import NETWORKS, SegmentationModel, build
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame

TWO = LabelSpace('two', ('dark', 'bright'), ((0, 0, 0), (255, 255, 255)))


class Bright(SegmentationModel):
    """Says of every pixel whether its red is above one half: logits (0, 20 red - 10)."""

    multiple = stride = 1

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.gain = nn.Parameter(torch.tensor(20.0))

    def forward_features(self, image):
        return (image[:, :1],)

    def forward_head(self, features, size=None):
        red = self.gain * features[0] - self.gain / 2
        return torch.cat([torch.zeros_like(red), red, *([torch.full_like(red, -99)] * (self.num_classes - 2))], 1)


class InMemory(Dataset):
    """Pictures and labels as they are given."""

    def __init__(self, pairs: list[tuple[np.ndarray, np.ndarray]], labels: LabelSpace | None) -> None:
        self.pairs, self.labels = pairs, labels

    def __len__(self):
        return len(self.pairs)

    def image(self, index):
        return self.pairs[index][0]

    def label(self, index):
        return self.pairs[index][1] if self.labels else None

    def name(self, index):
        return f'picture {index}'


def bright_bundle(monkeypatch, labels: LabelSpace = TWO) -> Bundle:
    monkeypatch.setitem(NETWORKS, 'bright', Bright)
    return Bundle(ModelSpec('bright'), labels, Preprocess(2, 4, mean=(0, 0, 0), std=(1, 1, 1)),
                  Bright(labels.num_classes).state_dict())


def picture(rows: list[list[int]]) -> np.ndarray:
    """Red 255 for 1, 0 for 0."""
    return np.stack([np.array(rows, np.uint8) * 255] * 3, axis=-1)


def two_pictures() -> InMemory:
    return InMemory([(picture([[1, 1, 0, 0], [1, 1, 0, 0]]), np.array([[1, 1, 0, 0], [1, 0, 0, IGNORE]], np.uint8)),
                     (picture([[0, 0, 0, 0], [0, 0, 0, 1]]), np.array([[0, 0, 0, 0], [0, 0, 1, 1]], np.uint8))], TWO)


def test_scores_equal_a_computation_by_hand(monkeypatch):
    """Of 15 labelled pixels, dark: 10 of which 9 found, bright: 5 of which 4 found."""
    found = score(bright_bundle(monkeypatch), two_pictures(), device='cpu')
    np.testing.assert_array_equal(found.matrix, [[9, 1, 0], [1, 4, 0]])
    assert found.iou == {'dark': pytest.approx(9 / 11), 'bright': pytest.approx(4 / 6)}
    assert found.miou == pytest.approx((9 / 11 + 4 / 6) / 2)
    assert found.accuracy == pytest.approx(13 / 15)
    assert found.ece == pytest.approx(1 - 13 / 15)  # logits of 10 and more: it is certain of all
    assert [image.miou for image in found.images] == [pytest.approx((3 / 4 + 3 / 4) / 2), pytest.approx((6 / 7 + 1 / 2) / 2)]
    assert found.num_images == 2 and found.seconds > 0
    assert found.as_dict()['miou_percent'] == round(100 * found.miou, 2)
    json.dumps(found.as_dict(), allow_nan=False)


def test_predictions_of_a_finer_space_are_brought_to_the_classes_of_the_data(monkeypatch):
    """Bright is Cityscapes' sidewalk, which CamVid calls pavement; dark is road in both."""
    labels = np.array([[CAMVID.names.index('road')] * 2 + [CAMVID.names.index('pavement')] * 2] * 2, np.uint8)
    data = InMemory([(picture([[0, 0, 1, 1]] * 2), labels)], CAMVID)
    found = score(bright_bundle(monkeypatch, CITYSCAPES), data, device='cpu')
    assert found.labels == CAMVID and found.iou == {'road': 1.0, 'pavement': 1.0}


def test_labels_of_a_finer_space_are_brought_to_the_classes_of_the_bundle(monkeypatch):
    assert scoring_space(CAMVID, CITYSCAPES) is CAMVID and scoring_space(CITYSCAPES, CAMVID) is CAMVID
    labels = np.array([[CITYSCAPES.names.index('terrain')] * 4] * 2, np.uint8)
    found = score(bright_bundle(monkeypatch, CAMVID), InMemory([(picture([[0] * 4] * 2), labels)], CITYSCAPES), device='cpu')
    assert found.iou == {'tree': 0.0}  # dark is sky there
    with pytest.raises(EvaluationError, match='no class in common'):
        scoring_space(CITYSCAPES, TWO)


def test_a_wished_label_space_is_taken(monkeypatch):
    labels = np.array([[CAMVID.names.index('road')] * 4] * 2, np.uint8)
    data = InMemory([(picture([[0] * 4] * 2), labels)], CAMVID)
    found = score(bright_bundle(monkeypatch, CITYSCAPES), data, device='cpu', labels=CITYSCAPES)
    assert found.labels == CITYSCAPES and found.iou == {'road': 1.0}


@pytest.mark.parametrize(('data', 'words'), [
    (InMemory([], None), 'has no labels'),
    (InMemory([(picture([[0] * 4] * 2), np.zeros((2, 3), np.uint8))], TWO), r'the label has 3x2 pixels, the picture 4x2')])
def test_data_that_cannot_be_scored_are_refused(monkeypatch, data, words):
    with pytest.raises(ValueError, match=words):
        score(bright_bundle(monkeypatch), data, device='cpu')


def test_a_sample_without_a_label_is_refused(monkeypatch):
    class Half(InMemory):
        def __getitem__(self, index):
            return Sample(self.image(index), None, 'this one')
    with pytest.raises(EvaluationError, match='this one: has no label'):
        score(bright_bundle(monkeypatch), Half(two_pictures().pairs, TWO), device='cpu')


def test_limited_pictures_are_spread_over_the_data():
    assert chosen(10, None) == list(range(10)) == chosen(10, 99)
    assert chosen(10, 2) == [2, 7] and chosen(10, 1) == [5]


@pytest.fixture(scope='module')
def random_bundle() -> Bundle:
    """A random Fast-SCNN whose answer changes from place to place."""
    torch.manual_seed(4)
    network = build('fast_scnn', CITYSCAPES.num_classes, width=0.25)
    network.train()
    with torch.no_grad():
        network(torch.randn(4, 3, 96, 160))  # BatchNorm statistics that are not 0 and 1
    return Bundle(ModelSpec('fast_scnn', {'width': 0.25}), CITYSCAPES, Preprocess(96, 160), network.state_dict())


@pytest.fixture
def street() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (12, 20, 3), np.uint8).repeat(16, 0).repeat(16, 1)


def test_one_window_over_everything_is_the_plain_answer(random_bundle, street):
    engine = Engine(random_bundle, device='cpu')
    plain, confidence = predictor(engine, Views())(street)
    mask, windowed = predictor(engine, Views(slide=True, window=(999, 999)))(street)
    np.testing.assert_array_equal(mask, plain)
    assert len(np.unique(plain)) > 1 and np.abs(confidence.astype(int) - windowed).max() <= 1


def test_windows_are_averaged_where_they_overlap(random_bundle):
    network, image = random_bundle.network(), torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        found = look(network, image, Views(slide=True, window=(64, 64), overlap=0.5))
        left, right = network(image[..., :64]), network(image[..., 32:])
    torch.testing.assert_close(found[..., :4], left[..., :4])
    torch.testing.assert_close(found[..., 4:8], (left[..., 4:] + right[..., :4]) / 2)
    torch.testing.assert_close(found[..., 8:], right[..., 4:])


@pytest.mark.parametrize(('side', 'window', 'overlap', 'expected'), [
    (96, 96, 0.3, [0]), (96, 64, 0.5, [0, 32]), (128, 64, 0.0, [0, 64]), (160, 96, 1 / 3, [0, 64]),
    (128, 32, 0.9, [0, 32, 64, 96])])
def test_windows_cover_a_side_and_end_with_it(side, window, overlap, expected):
    assert starts(side, window, overlap, 32) == expected


def test_a_flip_makes_the_answer_the_same_for_the_mirror_image(random_bundle, street):
    predict = predictor(Engine(random_bundle, device='cpu'), Views(flip=True))
    there, mirrored = predict(street)[0], predict(np.ascontiguousarray(street[:, ::-1]))[0]
    assert (there == mirrored[:, ::-1]).mean() > 0.999
    plain = predictor(Engine(random_bundle, device='cpu'), Views())
    assert (plain(street)[0] == plain(np.ascontiguousarray(street[:, ::-1]))[0][:, ::-1]).mean() < 0.999


def test_a_flip_is_the_mean_of_the_probabilities(random_bundle):
    network, image = random_bundle.network(), torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        found = look(network, image, Views(flip=True)).softmax(1)
        mirrored = network(image.flip(-1)).softmax(1).flip(-1)
        torch.testing.assert_close(found, (network(image).softmax(1) + mirrored) / 2)


def test_the_size_of_the_network_s_input_can_be_another(random_bundle, street):
    found = score(random_bundle, InMemory([(street, np.zeros(street.shape[:2], np.uint8))], CITYSCAPES), device='cpu',
                  views=Views(size=(64, 96)))
    expected = Engine(random_bundle, device='cpu', size=(64, 96))(Frame(street)).mask
    assert found.matrix[0, 0] == (expected == 0).sum()


def test_an_impossible_overlap_is_refused():
    with pytest.raises(ConfigError, match='overlap'):
        Views(overlap=1.0)


@pytest.mark.parametrize(('count', 'kinds'), [
    (0, []), (1, ['best']), (2, ['best', 'worst']), (3, ['best', 'median', 'worst']),
    (9, ['best'] * 2 + ['median'] * 2 + ['worst'] * 2)])
def test_the_sheet_shows_best_median_and_worst_and_no_picture_twice(count, kinds):
    images = [ImageScore(index, str(index), (7 * index % 9) / 10) for index in range(count)]
    found = extremes([*images, ImageScore(99, 'without labels', float('nan'))])
    assert [kind for kind, _ in found] == kinds
    assert len({image.index for _, image in found}) == len(found)
    assert [image.miou for _, image in found] == sorted((image.miou for _, image in found), reverse=True)


def test_wrong_pixels_are_red_in_the_picture_of_errors():
    shown = errors(picture([[1, 1, 1]]), np.array([[0, 0, IGNORE]], np.uint8), np.array([[0, 1, 1]], np.uint8), TWO)
    red = shown[0, :, 0].astype(int) - shown[0, :, 1]
    assert red[1] > 60 and abs(red[0]) < 10 and abs(red[2]) < 10


@pytest.mark.parametrize(('texts', 'expected'), [
    (['clear=procedural:?town=town_a'], {'clear': 'procedural:?town=town_a'}),
    (['procedural:?town=town_a'], {'procedural:?town=town_a': 'procedural:?town=town_a'}),
    (['procedural?town=town_a'], {'procedural?town=town_a': 'procedural?town=town_a'})])
def test_data_may_be_named(texts, expected):
    assert named(texts) == expected


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(ConfigError, match="'a' stands twice"):
        named(['a=camvid:x', 'a=camvid:y'])


def test_the_command_writes_figures_and_a_page_that_shows_them(random_bundle, tmp_path, capsys):
    bundle, out = random_bundle.save(tmp_path / 'bundle'), tmp_path / 'page'
    spec = f'procedural:{tmp_path}?town=town_a&weather=clear&seeds=[3]&frames=3&height=96'
    arguments = [str(bundle), '--data', f'<clear>={spec}', '--data', spec, '--limit', '2', '--flip', '--slide',
                 '--device', 'cpu', '--out', str(out), '--json', str(tmp_path / 'a.json')]
    assert command.main(arguments) == 0
    told = capsys.readouterr().out
    figures = json.loads((tmp_path / 'a.json').read_text())
    assert figures == json.loads((out / 'scores.json').read_text())
    assert figures['<clear>']['num_images'] == 2 and figures['<clear>']['iou_percent'] == figures[spec]['iou_percent']
    page = (out / 'index.html').read_text()
    assert f'mIoU {figures[spec]["miou_percent"]:.1f} %' in told and f'{figures[spec]["miou_percent"]:.1f}&nbsp;%' in page
    assert '&lt;clear&gt;' in page and '<clear>' not in page and 'sliding window, mean with the mirror image' in page
    for file in (file for file in out.iterdir() if file.suffix in ('.png', '.jpg')):
        assert file.name in page and file.stat().st_size > 1000
    assert len(list(out.glob('*.png'))) == 4 and len(list(out.glob('*_sheet.jpg'))) == 2


@pytest.mark.parametrize(('where', 'arguments', 'words'), [
    ('nowhere', ['--data', 'camvid:x'], 'there is no such folder'),
    ('.', ['--data', 'camvid:x'], 'holds neither bundle.yaml'),
    ('bundle', ['--data', 'camvd:x'], "did you mean 'camvid'"),
    ('bundle', ['--data', 'camvid:nowhere'], 'nowhere'),
    ('bundle', ['--data', 'procedural:?town=town_a&weather=clear&seeds=[0]&frames=1', '--device', 'tpu'], "'tpu'"),
    ('bundle', ['--data', 'camvid:x', '--slide', '--overlap', '2'], 'overlap must be')])
def test_what_is_wrong_is_told_in_one_line(random_bundle, tmp_path, capsys, monkeypatch, where, arguments, words):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    random_bundle.save(tmp_path / 'bundle')
    assert command.main([str(tmp_path / where), *arguments]) == 1
    answer = capsys.readouterr()
    assert words in answer.err.splitlines()[-1] and answer.err.splitlines()[-1].startswith('error: ')
    assert 'Traceback' not in answer.err

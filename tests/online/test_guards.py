"""Each guard refuses what it is for and nothing else; each fault of a sensor is told, and weather is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from uda_seg_ros.online.guards import GUARDS, Evidence, objections, unlabelled
from uda_seg_ros.online.quality import FAULTS, fault
from uda_seg_ros.online.settings import GateSettings, WatchSettings
from uda_seg_ros.online.trial import FROZEN, Gain, Trial
from uda_seg_ros.online.watch import Watch

from .conftest import fog, scene

GOOD = {'clean': Gain(0.0, -0.3), 'restyled': Gain(1.0, 0.4), 'won': Gain(1.2, 0.5)}
BAD = {
    'not_finite': {'finite': False},
    'no_number': {'clean': Gain(-85.7, float('nan'))},
    'too_far': {'deviation': 0.06, 'radius': 0.05},
    'clean_loss': {'clean': Gain(-1.0, -1.6)},
    'class_loss': {'worst': 'pole', 'class_loss': 7.5},
    'restyled_loss': {'restyled': Gain(0.2, -0.9)},
    'classes_gone': {'classes_lost': 0.8},
    'narrow': {'entropy_ratio': 0.7},
    'other_classes': {'divergence': 0.3},
    'disagrees': {'disagreement': 0.5, 'most_disagreement': 0.35},
    'no_answer': {'clean': Gain(0.9, 0.3)},
    'pointless': {'restyled': Gain(0.05, -0.2)},
}


def test_a_good_candidate_passes_all_guards():
    assert objections(Evidence(**GOOD), GateSettings()) == {}


def test_every_guard_has_its_case():
    assert set(BAD) == set(GUARDS)


@pytest.mark.parametrize('name', BAD)
def test_a_guard_refuses_its_case_alone_and_says_the_figures(name):
    found = objections(Evidence(**{**GOOD, **BAD[name]}), GateSettings())
    assert list(found) == [name]
    assert len(found[name].split()) > 3
    assert name in ('not_finite', 'no_number') or any(letter.isdigit() for letter in found[name])


def test_what_is_won_on_clean_source_as_well_is_an_answer_where_it_is_much():
    clean, settings = Gain(4.0, 3.0), GateSettings()
    assert list(objections(Evidence(clean, Gain(2.0, 1.5), won=Gain(2.0, 1.0)), settings)) == ['no_answer']
    assert not objections(Evidence(clean, Gain(3.0, 2.0), won=Gain(3.0, 2.0)), settings)


@pytest.mark.parametrize('name', ('clean', 'restyled', 'won', 'seen', 'seen_more'))
@pytest.mark.parametrize('gain', (Gain(5.0, float('nan')), Gain(float('nan'), 5.0)))
def test_a_gain_without_a_number_is_refused_and_named_whichever_it_is(name, gain):
    assert objections(Evidence(**{**GOOD, name: gain}), GateSettings())['no_number'].split(',')[0].endswith(f' for {name}')


def tried(labelled: int, unlabelled: int) -> Trial:
    """Crops of two classes, some without a label: the candidate gets wrong what the frozen weights get right."""
    right, none = np.array([[50, 0, 0], [0, 50, 0]]), np.zeros((2, 3), int)
    trial = Trial('learner', {}, {'clean': ['clean', FROZEN]}, range(labelled + unlabelled), [], (), {})
    trial.confusions = {('clean', FROZEN): labelled * [right] + unlabelled * [none],
                        ('clean', 'clean'): labelled * [right[:, [1, 0, 2]]] + unlabelled * [none]}
    return trial


@pytest.mark.parametrize('unlabelled', (1, 4, 16))
def test_crops_without_a_labelled_pixel_count_for_nothing(unlabelled):
    gain = tried(4, unlabelled).gain('clean', 'clean', FROZEN, 0.1)
    assert gain == tried(4, 0).gain('clean', 'clean', FROZEN, 0.1) == Gain(-100.0, -100.0)
    assert tried(3, unlabelled).gain('clean', 'clean', FROZEN, 0.1) == Gain(0.0, float('-inf'))


def test_masks_of_one_class_lose_classes_and_entropy_and_agreement():
    reference = [scene(number).label for number in range(3)]
    same = unlabelled(reference, reference, 4)
    assert same == {'classes_lost': 0, 'entropy_ratio': 1, 'divergence': pytest.approx(0, abs=1e-9), 'disagreement': 0}
    collapsed = unlabelled([np.zeros_like(mask) for mask in reference], reference, 4)
    refused = objections(Evidence(**GOOD, **collapsed, most_disagreement=0.35), GateSettings())
    assert list(refused) == ['classes_gone', 'narrow', 'other_classes', 'disagrees']


def test_the_watch_sees_what_turns_bad_after_a_long_good_time():
    watch, label = Watch(WatchSettings(), frozenset(range(4))), np.zeros((10, 10), np.uint8)
    worse = label.copy()
    worse[0] = 1
    assert not any(watch.compare(label, label, worse, 4) for _ in range(2000))
    assert any(watch.compare(label, worse, label, 4) for _ in range(30))


PICTURE = cv2.GaussianBlur(scene(0).image, (0, 0), 1.5)
FAULTY = {
    'black': np.zeros_like(PICTURE),
    'saturated': np.full_like(PICTURE, 255),
    'empty': np.full_like(PICTURE, 120),
    'garbage': np.random.default_rng(0).integers(0, 256, PICTURE.shape, np.uint8),
    'still': PICTURE,
}


def test_every_fault_has_its_case():
    assert set(FAULTY) == set(FAULTS)


@pytest.mark.parametrize('name', FAULTY)
def test_a_sensor_fault_is_told_in_words(name):
    reason = FAULTS[name](FAULTY[name], PICTURE)
    assert reason and '(' in reason and fault(FAULTY[name], PICTURE) is not None


@pytest.mark.parametrize('change', [lambda x: x, fog, lambda x: (x * 0.2).astype(np.uint8), lambda x: cv2.convertScaleAbs(
    x, alpha=1.3, beta=20)], ids=['clear', 'fog', 'dark', 'bright'])
def test_weather_is_no_fault(change):
    assert fault(change(PICTURE), change(cv2.GaussianBlur(scene(1).image, (0, 0), 1.5))) is None

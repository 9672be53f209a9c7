"""Weather changes the picture by its severity, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from uda_seg_ros.procedural import FAMILIES, WEATHERS, Scene, World, apply_weather, drive
from uda_seg_ros.procedural.weather.fog import AIRLIGHT, fog_beta

SIZE = (320, 180)
EFFECTS = [name for name in WEATHERS if name != 'clear']


@pytest.fixture(scope='module')
def scene() -> Scene:
    return World('town_a', seed=3, size=SIZE).frame(25)


def flat_scene(grey: int, depths: list[float]) -> Scene:
    """Vertical bands of one grey, each at its own depth, all building."""
    depth = np.repeat(np.array(depths, np.float32), 8)[None].repeat(16, axis=0)
    image = np.full((*depth.shape, 3), grey, np.uint8)
    return Scene(image, np.full(depth.shape, 2, np.uint8), depth)


def test_fog_follows_koschmieder():
    depths = [1.0, 10.0, 30.0, 80.0, 200.0]
    scene = flat_scene(40, depths)
    for severity in (0.25, 0.6, 1.0):
        through = np.exp(-fog_beta(severity) * np.repeat(depths, 8))[:, None]
        expected = 40 * through + AIRLIGHT * (1 - through)
        foggy = apply_weather(scene, {'fog': severity})
        np.testing.assert_allclose(foggy[0], expected, atol=1.0)


def test_fog_thickens_with_severity_and_hides_the_sky(scene):
    clear = scene.image.astype(float)
    changes = [np.abs(apply_weather(scene, {'fog': s}) - clear).mean() for s in (0.05, 0.3, 0.6, 1.0)]
    assert changes == sorted(changes) and changes[0] < 6
    assert np.abs(apply_weather(scene, {'fog': 1.0})[scene.depth > 1e6] - AIRLIGHT).max() < 2


@pytest.mark.parametrize('name', FAMILIES['test'] + FAMILIES['tune'])
def test_more_severity_changes_more(scene, name):
    clear = scene.image.astype(float)
    changes = [np.abs(apply_weather(scene, {name: severity}) - clear).mean() for severity in (0.1, 0.4, 0.7, 1.0)]
    assert all(less < more for less, more in pairwise(changes))


def test_no_weather_is_of_two_families():
    names = [name for family in FAMILIES.values() for name in family]
    assert sorted(names) == sorted(EFFECTS)


@pytest.mark.parametrize('name', EFFECTS)
def test_severity_zero_is_identity(scene, name):
    assert np.array_equal(apply_weather(scene, {name: 0.0}), scene.image)


@pytest.mark.parametrize('name', EFFECTS)
def test_every_weather_changes_the_image_and_nothing_else(scene, name):
    before = scene.image.copy(), scene.label.copy(), scene.depth.copy()
    changed = apply_weather(scene, {name: 0.8}, frame=4, seed=3)
    assert changed.shape == scene.image.shape and changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - scene.image).mean() > 1
    assert all(np.array_equal(a, b) for a, b in zip(before, (scene.image, scene.label, scene.depth)))
    assert np.array_equal(changed, apply_weather(scene, {name: 0.8}, frame=4, seed=3))


@pytest.mark.parametrize('name', EFFECTS)
def test_weather_works_on_a_bare_scene(name):
    scene = flat_scene(120, [2.0, 20.0, 60.0])
    assert apply_weather(scene, {name: 1.0}).shape == scene.image.shape


def test_result_does_not_share_memory_with_the_scene(scene):
    assert not np.shares_memory(apply_weather(scene, {}), scene.image)


def test_night_is_dark_and_rain_falls_anew_each_frame(scene):
    assert apply_weather(scene, {'night': 1.0}).mean() < 0.55 * scene.image.mean()
    assert not np.array_equal(apply_weather(scene, {'rain': 0.5}, 1), apply_weather(scene, {'rain': 0.5}, 2))


def test_labels_and_depth_are_the_same_in_any_weather():
    clear = drive('town_b', 5, 'clear:3', size=SIZE)
    stormy = drive('town_b', 5, 'rain:0.5+night:0.7:1,snow:1,fog:1', size=SIZE)
    for one, other in zip(clear, stormy, strict=True):
        assert np.array_equal(one.label, other.label) and np.array_equal(one.depth, other.depth)
        assert one.stamp_ns == other.stamp_ns
        assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize(
    ('weather', 'message'), [({'frogs': 0.5}, "unknown weather 'frogs'"), ({'fog': 1.5}, 'within 0..1')]
)
def test_bad_weather_is_named(scene, weather, message):
    with pytest.raises(ValueError, match=message):
        apply_weather(scene, weather)

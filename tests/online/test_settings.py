"""Settings that are more than a value."""

from __future__ import annotations

import pytest

from uda_seg_ros.config import ConfigError
from uda_seg_ros.online.settings import TrainingSettings


@pytest.mark.parametrize('part, size, crop', [
    (1.0, (192, 320), (192, 320)), (1.0, (360, 640), (360, 640)), (1.0, (416, 544), (416, 544)),
    (1.0, (640, 352), (640, 352)), (1.0, (24, 40), (24, 40)), (1.0, (1024, 2048), (384, 640)),
    (0.5, (1024, 2048), (384, 640)), (0.5, (360, 640), (192, 320)), (0.5, (64, 96), (32, 64)), (0.5, (32, 32), (32, 32))])
def test_a_step_trains_on_its_part_of_each_side_and_never_on_more_pixels_than_the_crop(part, size, crop):
    assert TrainingSettings(part=part).crop_of(size) == crop


def test_a_part_above_the_whole_is_refused():
    with pytest.raises(ConfigError, match='part above 0'):
        TrainingSettings(part=1.5)

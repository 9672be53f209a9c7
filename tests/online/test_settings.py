"""Settings that are more than a value."""

from __future__ import annotations

import pytest

from uda_seg_ros.config import ConfigError
from uda_seg_ros.online.settings import TrainingSettings


@pytest.mark.parametrize('size, crop', [((360, 640), (192, 320)), ((192, 320), (96, 160)), ((64, 96), (32, 64)),
                                        ((32, 32), (32, 32)), ((1024, 2048), (192, 320))])
def test_a_step_trains_on_its_part_of_each_side_and_never_on_more_than_the_crop(size, crop):
    assert TrainingSettings(part=0.5).crop_of(size) == crop
    assert TrainingSettings().crop_of((192, 320)) == (192, 320)
    with pytest.raises(ConfigError, match='part above 0'):
        TrainingSettings(part=1.5)

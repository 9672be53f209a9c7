"""The data set that the README prints works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from offline.datasets import DATASETS, open_dataset
from uda_seg_ros.labels import CITYSCAPES

README = Path(__file__).parents[3] / 'README.md'


def test_the_data_set_of_the_readme_is_read(tmp_path, monkeypatch):
    code = re.search(r'```python\n((?:(?!```).)*class MyData.*?)```', README.read_text(encoding='utf-8'), re.DOTALL)[1]
    names = {'__name__': 'offline.datasets.my_data', '__package__': 'offline.datasets'}
    exec(compile('from __future__ import annotations\n' + code, 'README.md', 'exec'), names)
    monkeypatch.setitem(DATASETS, 'my_data', names['MyData'])
    for folder, suffix, value in (('images', 'jpg', 90), ('labels', 'png', CITYSCAPES.label_ids[2])):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / f'one.{suffix}'), np.full((8, 12, 3 if suffix == 'jpg' else 1), value, np.uint8))
    sample = open_dataset(f'my_data:{tmp_path}', CITYSCAPES)[0]
    assert sample.image.shape == (8, 12, 3) and (sample.label == 2).all()

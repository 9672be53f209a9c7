from __future__ import annotations

import pytest
import torch

from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import IGNORE

from .cases import HEIGHT, WIDTH, Case


def test_the_loss_is_the_mean_over_labelled_pixels_only():
    case = Case(target=False)
    method = case.make('source_only')
    batch = case.batch(method)
    logits = method.student(method.normalise(batch.source_image), (HEIGHT, WIDTH))
    true = logits.log_softmax(1).movedim(1, -1)[batch.source_label != IGNORE]
    expected = -true.gather(1, batch.source_label[batch.source_label != IGNORE][:, None]).mean()
    assert method(batch, 0)['source'].item() == pytest.approx(expected.item(), rel=1e-5)


def test_photometric_changes_the_image_and_not_the_label():
    case = Case({'photometric': {}}, target=False)
    method = case.make('source_only')
    batch = case.batch(method)
    torch.manual_seed(0)
    method(batch, 0)
    assert not torch.equal(method.watch['source_image'], batch.source_image)
    assert torch.equal(method.watch['source_label'], batch.source_label)


def test_ohem_out_of_its_range_is_refused():
    with pytest.raises(ConfigError, match='threshold must be within 0 to 1'):
        Case({'ohem': {'threshold': 7.0}}).make('source_only')

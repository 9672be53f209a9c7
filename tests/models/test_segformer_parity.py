"""SegFormer gives the same logits as the reference implementation in transformers for the same weights."""

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.import_hf import import_hf
from uda_seg_ros.models import build

TINY = {'hidden_sizes': [8, 16, 20, 16], 'depths': [1, 2, 1, 1], 'num_attention_heads': [1, 2, 5, 2],
        'decoder_hidden_size': 24}
B2 = {'hidden_sizes': [64, 128, 320, 512], 'depths': [3, 4, 6, 3], 'decoder_hidden_size': 768}
CASES = {
    'tiny': (TINY, 'segformer', {**{'channels': [8, 16, 20, 16], 'depths': [1, 2, 1, 1], 'heads': [1, 2, 5, 2]},
                                 'reductions': [8, 4, 2, 1], 'expansions': [4, 4, 4, 4], 'width': 24}),
    'b0': ({}, 'segformer_b0', {}),
    'b0 with a narrow head': ({'decoder_hidden_size': 64}, 'segformer_b0', {'width': 64}),
    'b2': (B2, 'segformer_b2', {}),
}


@pytest.mark.parametrize('geometry, name, settings', CASES.values(), ids=CASES)
def test_same_logits_as_the_reference(tmp_path, hf_checkpoint, geometry, name, settings):
    reference = hf_checkpoint(tmp_path / 'checkpoint', geometry=geometry)
    bundle = Bundle.load(import_hf(tmp_path / 'checkpoint', tmp_path / 'bundle'))
    assert (bundle.model.name, bundle.model.settings) == (name, settings)
    image = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        expected = reference(image).logits
        assert expected.std() > 0.1
        torch.testing.assert_close(bundle.network()(image), expected, rtol=1e-4, atol=1e-4 * float(expected.std()))


def test_the_same_is_dropped_in_training():
    transformers = pytest.importorskip('transformers')
    reference, ours = transformers.SegformerConfig(), build('segformer_b0', 19)
    assert ours.encoder.stages[3][1].drop_path.rate == pytest.approx(reference.drop_path_rate)
    assert ours.head.dropout.p == reference.classifier_dropout_prob

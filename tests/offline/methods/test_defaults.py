"""What a method does where a recipe says nothing: the values of the specifications, those of GTA5 where they differ."""

from __future__ import annotations

import pytest

from offline.methods import METHODS

HOST = {'threshold': 0.968, 'share_per': 'batch', 'classes_per': 'batch', 'ignore_borders': (0, 0, 0, 0),
        'photometric.brightness': 0.2, 'photometric.hue': 0.2, 'photometric.jitter': 0.8, 'photometric.blur': 0.5,
        'photometric.sigma': (0.15, 1.15), 'masked.weight': 0.0, 'masked.block': 64, 'masked.ratio': 0.7}
CROSSED = {'ce': 'plain', 'normalise': 'all_pixels', 'restyle': 'color_statistics', 'average.decay': 0.999,
           'average.buffers': 'average', 'average.batch_statistics': False,
           'kd_valid_only': False, 'perturbation.jitter': 0.5, 'perturbation.grey': 0.3,
           'perturbation.blur': 0.8, 'perturbation.brightness': 0.4, 'perturbation.hue': 0.1}
DEFAULTS = {
    'self_training': {**HOST, 'average.decay': 0.999, 'feature_distance': 0.0},
    'dakd_adapt': {'adaptation.auxiliary': 0.1, 'adaptation.adversarial': (0.0002, 0.001)},
    'dakd': {'paradigm': 'c', 'levels': 'both', 'kl': 0.1, 'mse': 0.01, 'pseudo_label': 1.0, 'target': 1.0,
             'pseudo_label_on_source': True, 'adaptation.auxiliary': 0.1, 'adaptation.adversarial': (0.0002, 0.001)},
    'diga_translator': {'adversarial': 0.5, 'cycle': 10.0, 'edges': 20.0, 'reconstruction': 0.001, 'vgg': 0.1},
    'diga_warm_up': {**CROSSED, 'l_d': 0.5, 'kappa': 0.5, 'beta': 0.4, 'bn_adapt_target': False},
    'diga': {**CROSSED, 'l_d': 0.25, 'kappa': 0.5, 'beta': 0.3, 'momentum': 1e-4},
    'bkd': {'label_share': 0.8, 'ramp': 2000, 'guard_below': 0.1, 'target_flow': 'probs', 'distilled': 0.5,
            'temperature': 2.0, 'threshold': 0.968, 'target_weight': 1.0, 'target_weight_by': 'constant',
            'average.decay': 0.999, 'hard_pixels.on': 'none', 'hard_pixels.start': 5000,
            'hard_pixels.gamma': 1.0, 'hard_pixels.clip': (0.25, 4.0)},
    'duda': {**HOST, 'average.decay': 0.999, 'feature_distance': 0.0},
    'duda_refine': {**HOST, 'inconsistency': 1.0, 'recompute': 0, 'weighting.kind': 'relative', 'weighting.least': 0.5,
                    'weighting.most': 3.0, 'weighting.temperature': 0.5},
}


@pytest.mark.parametrize('name', DEFAULTS)
def test_the_defaults_are_the_specification_s(name):
    config = METHODS[name].Config()

    def value(key: str):
        found = config
        for part in key.split('.'):
            found = getattr(found, part)
        return found
    assert {key: value(key) for key in DEFAULTS[name]} == DEFAULTS[name]

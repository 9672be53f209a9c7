"""How each method is tried: a line a method, and more where a setting gives it other networks or other terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from offline.methods import METHODS, Method
from offline.samples import Batch
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import from_mapping
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import build

CLASSES, HEIGHT, WIDTH = 19, 96, 160
STUDENT = {'name': 'fast_scnn', 'width': 0.25, 'dropout': 0.0}
LARGER = {'name': 'segformer', 'channels': (8, 16, 20, 16), 'depths': (1, 1, 1, 1), 'heads': (1, 2, 5, 2), 'width': 16}
SLIM = {'discriminator_width': 8}


@dataclass(frozen=True)
class Case:
    """networks: beside the student. config: the method's. source: its losses fall with the CE on source labels.

    target: whether it needs a target. Pseudo-labels of the target are made where the method asks for them.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    source: bool = True
    target: bool = True

    def make(self, name: str, seed: int = 0) -> Method:
        """The method in training mode, prepared, with random networks of this seed. name: of the case."""
        torch.manual_seed(seed)
        networks = {role: build(num_classes=CLASSES, **spec)
                    for role, spec in {'student': STUDENT, **self.networks}.items()}
        cls = METHODS[name.partition('/')[0]]
        method = cls(networks, from_mapping(cls.Config, self.config, name), Preprocess(HEIGHT, WIDTH))
        with torch.no_grad():
            method.eval().prepare([torch.rand(2, 3, HEIGHT, WIDTH) for _ in range(2)])
        return method.train()

    def batch(self, method: Method) -> Batch:
        """Two source and two target pictures of large patches, some without a label; always the same."""
        random = torch.Generator().manual_seed(1)
        label = torch.randint(CLASSES, (2, 3, 5), generator=random)
        label[0, 0, 0] = IGNORE
        label = label.repeat_interleave(HEIGHT // 3, 1).repeat_interleave(WIDTH // 5, 2)
        colour = torch.rand(256, 3, generator=random)
        image = (colour[label].movedim(-1, 1) + 0.1 * torch.randn(2, 3, HEIGHT, WIDTH, generator=random)).clamp(0, 1)
        target = (image.flip(3) * 0.7).contiguous() if self.target else None
        pseudo_label = None
        if method.LABELS_TARGET:
            with torch.no_grad():
                method.eval()
                pseudo_label = torch.cat([method.label_target(target[i:i + 1]) for i in range(2)])
                method.train()
        return Batch(image, label, target, pseudo_label)


CASES: dict[str, Case] = {  # 'method' or 'method/what is set'
    'source_only': Case(target=False),
    'source_only/ohem': Case({'photometric': {}, 'ohem': {'fewest': 2000}}, target=False),
    'self_training': Case(),
    'self_training/all': Case({'share_per': 'image', 'feature_distance': 0.005, 'masked': {'weight': 1.0, 'block': 32},
                               'threshold': 0.6, 'ignore_borders': (4, 8, 2, 2)}),
    'dakd_adapt': Case({'adaptation': SLIM}),
    'dakd': Case({'adaptation': SLIM, 'levels': 'output', 'pseudo_label_on_source': False}, {'teacher': LARGER}),
    'dakd/target': Case({'adaptation': SLIM, 'levels': 'output', 'paradigm': 'b'}, {'teacher': STUDENT}),
    'diga_translator': Case({'width': 4}, source=False),
    'diga_warm_up': Case(),
    'diga_warm_up/all': Case({'ce': 'ohem', 'kd_valid_only': True, 'bn_adapt_target': True, 'restyle': 'fourier_amplitude',
                              'average': {'buffers': 'copy', 'batch_statistics': True}}, {'teacher': LARGER}),
    'diga': Case(),
    'diga/all': Case({'ce': 'ohem', 'kd_valid_only': True, 'restyle': 'fourier_amplitude', 'centroid_passes': 2,
                      'momentum': 0.1}, {'teacher': LARGER}),
    'bkd': Case(),
    'bkd/larger_teacher': Case({'hard_pixels': {'on': 'both', 'start': 0}, 'target_weight_by': 'confident_share',
                                'threshold': 0.053}, {'teacher': LARGER}),
    'bkd/class_relation': Case({'target_flow': 'class_relation', 'hard_pixels': {'on': 'source', 'start': 1}}),
    'bkd/non_target': Case({'target_flow': 'non_target', 'ignore_borders': (4, 8, 2, 2), 'hard_pixels': {
        'on': 'both', 'start': 0, 'mining': 'hardest', 'anneal': 4}}),
    'duda': Case({}, {'large': LARGER}),
    'duda/all': Case({'feature_distance': 0.005, 'masked': {'weight': 1.0, 'block': 32}, 'threshold': 0.1,
                      'ignore_borders': (4, 8, 2, 2), 'average': {'buffers': 'copy'}}, {'large': LARGER}),
    'duda_refine': Case({}, {'teacher': LARGER}),
    'duda_refine/all': Case({'weighting': {'kind': 'softmax'}, 'recompute': 3, 'masked': {'weight': 1.0, 'block': 32}},
                            {'teacher': LARGER, 'teacher_2': STUDENT}),
    'ours': Case({}, {'large': LARGER}),
    'ours/all': Case({'restyled': 0.25, 'restyle': 'fourier_amplitude', 'masked': {'weight': 1.0, 'block': 32},
                      'average': {'buffers': 'copy'}, 'ignore_borders': (4, 8, 2, 2), 'threshold': 0.1}),
    'ours/frozen': Case({'restyled': 0.0, 'temperature': 1.0}, {'teacher': LARGER}),
}

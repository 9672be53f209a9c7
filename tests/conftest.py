"""What the tests share: small bundles, and the path to the real driving data where it lies beside the project."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `gpu` where there is no CUDA device."""
    marked = [item for item in items if item.get_closest_marker('gpu')]
    if marked:
        import torch
        if not torch.cuda.is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason='needs a CUDA device'))


@pytest.fixture(scope='session')
def data_root() -> Path:
    """The folder of real images, labels and videos beside the project; a test that needs it skips where it is missing."""
    root = Path(os.environ.get('UDA_SEG_DATA', ROOT.parent / 'shared' / 'data'))
    if not root.is_dir():
        pytest.skip(f'no real driving data at {root} (set UDA_SEG_DATA)')
    return root


@pytest.fixture(scope='session')
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a random Fast-SCNN with 19 classes for 128x64 pictures: fast, and never right."""
    import torch

    from uda_seg_ros.bundle import Bundle, ModelSpec, Preprocess
    from uda_seg_ros.labels import CITYSCAPES
    from uda_seg_ros.models import build

    torch.manual_seed(0)
    network = build('fast_scnn', CITYSCAPES.num_classes)
    bundle = Bundle(ModelSpec('fast_scnn'), CITYSCAPES, Preprocess(64, 128), network.state_dict(),
                    provenance={'note': 'random weights'})
    return bundle.save(tmp_path_factory.mktemp('bundles') / 'tiny')


@pytest.fixture
def hf_checkpoint() -> Callable:
    """hf_checkpoint(folder, names, geometry, ...): write a random SegFormer as transformers does, and return it."""
    transformers = pytest.importorskip('transformers')
    import torch

    from uda_seg_ros.labels import CITYSCAPES
    tiny = {'hidden_sizes': [8, 16, 20, 16], 'depths': [1, 2, 1, 1], 'num_attention_heads': [1, 2, 5, 2],
            'decoder_hidden_size': 24}

    def write(folder: Path, names=CITYSCAPES.names, geometry=tiny, **save):
        torch.manual_seed(0)
        config = transformers.SegformerConfig(**geometry, id2label=dict(enumerate(names)),
                                              label2id={name: i for i, name in enumerate(names)})
        network = transformers.SegformerForSemanticSegmentation(config).eval()
        for key, tensor in network.state_dict().items():  # none stays 0 or 1: a tensor in another's place must show
            if tensor.is_floating_point():
                spread = 0.1 if tensor.ndim == 1 else (2 / tensor[0].numel()) ** 0.5
                scale = tensor.ndim == 1 and not key.endswith(('bias', 'mean'))
                tensor.copy_(float(scale) + spread * torch.randn_like(tensor).clamp(-3, 3))
        network.save_pretrained(folder, **save)
        (folder / 'preprocessor_config.json').write_text(json.dumps({
            'do_normalize': True, 'do_rescale': True, 'rescale_factor': 1 / 255, 'size': {'height': 64, 'width': 128},
            'image_mean': [0.485, 0.456, 0.406], 'image_std': [0.229, 0.224, 0.225], 'do_reduce_labels': False}))
        return network
    return write

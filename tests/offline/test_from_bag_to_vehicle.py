"""The recipe to begin with, from a recorded bag to a bundle that the vehicle's engine runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from offline import recipe as recipe_module
from offline.export import command as export
from offline.load_recipe import load_recipe
from offline.training import command as train
from uda_seg_ros.bundle import Bundle, default_bundle
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame

from .datasets.recordings import bag, smooth

ROOT = Path(recipe_module.__file__).parent.parent
OURS = ROOT / 'offline' / 'recipes' / 'ours.yaml'


def test_a_bag_becomes_a_bundle_adapted_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    monkeypatch.chdir(ROOT)
    torch.set_num_threads(1)
    drive = bag(tmp_path / 'drive', frames=[(index * 10**8, smooth(index, 72, 128)) for index in range(6)])
    run, bundle = tmp_path / 'run', tmp_path / 'bundle'
    small = ['data.source=procedural?town=town_a&weather=clear&seeds=[0]&frames=4', 'loader.batch=1', 'loader.crop=[64,96]',
             'loader.target_height=64']
    assert train.main([str(OURS), '--set', f'data.target=bag:{drive}', *small, '--out', str(run), '--steps', '2',
                       '--device', 'cpu']) == 0
    assert export.main([str(run), '--out', str(bundle), '--replay', '2', '--gate-crops', '1', '--statistics', '2']) == 0
    adapted, before = Bundle.load(bundle), Bundle.load(default_bundle())
    assert adapted.model == before.model and adapted.labels == before.labels
    assert any(not torch.equal(tensor, before.tensors[name]) for name, tensor in adapted.tensors.items())
    picture = np.full((72, 128, 3), 90, np.uint8)
    assert Engine(adapted, device='cpu')(Frame(picture)).mask.shape == (72, 128)


def test_what_the_page_on_training_sets_in_this_recipe_can_be_set():
    page = (ROOT / 'docs' / 'train_for_a_new_city.md').read_text(encoding='utf-8')
    words = [*re.findall(r'(data\.\w+=(?:cityscapes|bag):[^\s`)]+)', page),
             "stages.adapt.networks.large={name: segformer_b5, weights: 'hf:/weights'}"]
    assert len(words) >= 3
    for word in words:
        load_recipe(OURS, ['data.target=bag:/drive', word])

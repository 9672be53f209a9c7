"""A suite of a few drives and steps, for the tests of the command."""

from __future__ import annotations

from pathlib import Path

import yaml

SIZE = {'height': 64, 'width': 96}
DRIVE = {'kind': 'procedural', 'options': {
    'town': 'town_a', 'weather': 'clear', 'seeds': [0], 'frames': 3, 'fps': 1, **SIZE}}
FOGGY = {'kind': 'procedural', 'options': {**DRIVE['options'], 'weather': 'fog', 'seeds': [1]}}
STUDENT = {'name': 'fast_scnn', 'settings': {'width': 0.25}}


def stage(name: str, method: str, steps: int = 2, **more) -> dict:
    return {'name': name, 'method': method, 'steps': steps, **more}


SUITE = {
    'title': 'small', 'seeds': [0, 1], 'score': 'target',
    'recipe': {
        'data': {'labels': 'cityscapes19', 'source': DRIVE, 'target': FOGGY, 'evaluate': {'target': FOGGY}},
        'preprocess': SIZE, 'loader': {'batch': 2, 'crop': [64, 64]},
        'networks': {'student': {**STUDENT, 'weights': 'method:source_only'}, 'large': STUDENT}, 'stages': []},
    'methods': {
        'source_only': {'networks': {'student': {'weights': ''}}, 'stages': [stage('source', 'source_only')]},
        'supervised': {'data': {'source': 'recipe:data.target'}, 'stages': [stage('target', 'source_only')]},
        'self_training': {'stages': [stage('adapt', 'self_training')]},
        'duda': {'stages': [
            stage('joint', 'duda'),
            stage('refine', 'duda_refine', networks={'teacher': 'recipe:networks.large'},
                  init={'student': 'joint.student', 'teacher': 'joint.teacher'})]},
    },
}


def written(folder: Path, **change) -> Path:
    """The suite as a file, keys changed."""
    path = folder / 'small.yaml'
    path.write_text(yaml.safe_dump({**SUITE, **change}, sort_keys=False))
    return path


def with_methods(**methods) -> dict:
    """The methods of the suite, and more."""
    return {**SUITE['methods'], **methods}

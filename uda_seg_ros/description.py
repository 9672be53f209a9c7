"""What a bundle is, for people and for machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .bundle import MANIFEST, REPLAY, WEIGHTS, Bundle, read_manifest
from .config import to_mapping


def describe(folder: str | os.PathLike) -> dict[str, Any]:
    """The manifest with the number of parameters and the sizes of the files in bytes; everything is read and verified.

    Raises BundleError.
    """
    bundle = Bundle.load(folder)
    files = [MANIFEST, WEIGHTS] + [REPLAY] * (bundle.replay is not None)
    sizes = {name: (Path(folder) / name).stat().st_size for name in files}
    parameters = sum(parameter.numel() for parameter in bundle.network().parameters())
    return {'folder': str(Path(folder).resolve()), **to_mapping(read_manifest(folder)), 'parameters': parameters,
            'file_bytes': sizes, 'replay_tensors': len(bundle.replay or {}), 'verified': True}


def as_text(description: dict[str, Any]) -> str:
    """`describe` in lines."""
    model, labels, preprocess = (description[key] for key in ('model', 'labels', 'preprocess'))
    settings = ', '.join(f'{key}={value}' for key, value in model['settings'].items())
    shape = 'about, aspect ratio kept' if preprocess['keep_aspect'] else 'exactly, stretched'
    lines = [('bundle', f'{description["folder"]} (format {description["format"]})'),
             ('network', model['name'] + (f' ({settings})' if settings else '')),
             ('parameters', f'{description["parameters"]:,}'),
             ('classes', f'{len(labels["names"])} of {labels["name"]}: {", ".join(labels["names"])}'),
             ('input', f'{preprocess["width"]}x{preprocess["height"]} {shape}; '
                       f'mean {preprocess["mean"]}, std {preprocess["std"]}')]
    lines += [('file', f'{name} {size:,} bytes' + (f', SHA-256 {description["digests"][name]} verified'
                                                   if name in description['digests'] else ''))
              for name, size in description['file_bytes'].items()]
    lines += [('provenance', f'{key}: {value}') for key, value in description['provenance'].items()]
    return '\n'.join(f'{name:<11} {value}' for name, value in lines)

"""What a bundle is, for people and for machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .bundle import MANIFEST, REPLAY, WEIGHTS, Bundle, read_manifest
from .config import to_mapping
from .replay import GATE, Crops
from .replay import REPLAY as MEMORY
from .source_statistics import PREFIX, SourceStatistics


def describe(folder: str | os.PathLike) -> dict[str, Any]:
    """The manifest with the number of parameters and the sizes of the files in bytes; everything is read and verified.

    Raises BundleError.
    """
    bundle = Bundle.load(folder)
    files = [MANIFEST, WEIGHTS] + [REPLAY] * (bundle.replay is not None)
    sizes = {name: (Path(folder) / name).stat().st_size for name in files}
    parameters = sum(parameter.numel() for parameter in bundle.network().parameters())
    return {'folder': str(Path(folder).resolve()), **to_mapping(read_manifest(folder)), 'parameters': parameters,
            'file_bytes': sizes, 'replay_tensors': len(bundle.replay or {}), **_source(bundle), 'verified': True}


def _source(bundle: Bundle) -> dict[str, Any]:
    """What the bundle carries of its source, if it does: 'replay' and 'gate', crops by class; 'statistics'."""
    found: dict[str, Any] = {}
    tensors = bundle.replay or {}
    for name in (MEMORY, GATE):
        if f'{name}.images' in tensors:
            crops = Crops(tensors, name)
            shown = (crops.class_pixels > 0).sum(0).tolist()
            found[name] = {'crops': len(crops), 'height': crops.size[0], 'width': crops.size[1], 'bytes': crops.num_bytes,
                           'crops_with_class': dict(zip(bundle.labels.names, shown))}
    if any(name.startswith(PREFIX) for name in tensors):
        statistics = SourceStatistics.of(tensors)
        found['statistics'] = {'pictures': statistics.num_pictures, 'layers': len(statistics.features),
                               'entropy_median': round(statistics.quantile('entropy', 0.5), 4),
                               'entropy_q99': round(statistics.quantile('entropy', 0.99), 4)}
    return found


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
    lines += [(name, _crops(description[name])) for name in (MEMORY, GATE) if name in description]
    if 'statistics' in description:
        statistics = description['statistics']
        lines.append(('statistics', f'{statistics["pictures"]} source pictures, features of {statistics["layers"]} layers; '
                      f'mean entropy {statistics["entropy_median"]:.3f} (median), {statistics["entropy_q99"]:.3f} (99 %)'))
    lines += [('provenance', f'{key}: {value}') for key, value in description['provenance'].items()]
    return '\n'.join(f'{name:<11} {value}' for name, value in lines)


def _crops(memory: dict[str, Any]) -> str:
    """'256 crops of 640x352, 20.4 MB; fewest: train in 3, ...', the three classes that fewest show, and those none shows."""
    by_number = sorted((number, name) for name, number in memory['crops_with_class'].items() if number)
    fewest = ', '.join(f'{name} in {number}' for number, name in by_number[:3])
    none = ', '.join(name for name, number in memory['crops_with_class'].items() if not number)
    return (f'{memory["crops"]} crops of {memory["width"]}x{memory["height"]}, {memory["bytes"] / 1e6:.1f} MB; fewest: '
            f'{fewest or "no class"}' + (f'; without: {none}' if none else ''))

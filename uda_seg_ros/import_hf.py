"""A Hugging Face SegFormer checkpoint becomes a bundle.

The checkpoint is a local folder of config.json, weights and, if there, preprocessor_config.json and README.md, or the id
of one on the Hub. transformers is not needed, huggingface_hub only for an id. Nothing is unpickled but tensors.
"""

from __future__ import annotations

import colorsys
import json
import os
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .bundle import Bundle, BundleError, ModelSpec, Preprocess
from .labels import CITYSCAPES, LabelSpace

if TYPE_CHECKING:
    import torch

CONFIG, PREPROCESSOR, CARD = 'config.json', 'preprocessor_config.json', 'README.md'
WEIGHT_FILES = ('model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json')
FIXED = {'num_channels': 3, 'num_encoder_blocks': 4, 'patch_sizes': [7, 3, 3, 3], 'strides': [4, 2, 2, 2],
         'hidden_act': 'gelu', 'reshape_last_stage': True}
GEOMETRY = {'channels': 'hidden_sizes', 'depths': 'depths', 'heads': 'num_attention_heads', 'reductions': 'sr_ratios',
            'expansions': 'mlp_ratios'}
RENAMED = tuple((re.compile(pattern + '$'), name) for pattern, name in (
    (r'segformer\.encoder\.patch_embeddings\.(\d)\.proj\.(\w+)', r'encoder.embeddings.\1.project.\2'),
    (r'segformer\.encoder\.patch_embeddings\.(\d)\.layer_norm\.(\w+)', r'encoder.embeddings.\1.norm.\2'),
    (r'segformer\.encoder\.layer_norm\.(\d)\.(\w+)', r'encoder.norms.\1.\2'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.layer_norm_(\d)\.(\w+)', r'encoder.stages.\1.\2.norm\3.\4'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.attention\.self\.(query|key|value)\.(\w+)',
     r'encoder.stages.\1.\2.attention.\3.\4'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.attention\.self\.sr\.(\w+)', r'encoder.stages.\1.\2.attention.reduce.\3'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.attention\.self\.layer_norm\.(\w+)',
     r'encoder.stages.\1.\2.attention.norm.\3'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.attention\.output\.dense\.(\w+)',
     r'encoder.stages.\1.\2.attention.project.\3'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.mlp\.dense1\.(\w+)', r'encoder.stages.\1.\2.feed_forward.expand.\3'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.mlp\.dwconv\.dwconv\.(\w+)',
     r'encoder.stages.\1.\2.feed_forward.depthwise.\3'),
    (r'segformer\.encoder\.block\.(\d)\.(\d+)\.mlp\.dense2\.(\w+)', r'encoder.stages.\1.\2.feed_forward.contract.\3'),
    (r'decode_head\.linear_c\.(\d)\.proj\.(\w+)', r'head.embeddings.\1.\2'),
    (r'decode_head\.linear_fuse\.weight', 'head.fuse.weight'),
    (r'decode_head\.batch_norm\.(\w+)', r'head.norm.\1'),
    (r'decode_head\.classifier\.(\w+)', r'head.classifier.\1')))


def import_hf(source: str | os.PathLike, out: str | os.PathLike) -> Path:
    """Write the bundle `out` from the checkpoint `source`, a folder or an id ('owner/name'). Returns the bundle's folder.

    Raises BundleError if the checkpoint is not a SegFormer for segmentation, is incomplete, or cannot be fetched.
    """
    folder = Path(source) if Path(source).is_dir() else download(str(source))
    config = read_json(folder / CONFIG)
    model = model_spec(config, folder / CONFIG)
    weights = find_weights(folder)
    tensors = rename(read_tensors(weights), weights)
    labels = label_space(config.get('id2label') or {}, tensors['head.classifier.weight'].shape[0], folder / CONFIG)
    preprocess, note = preprocessing(folder / PREPROCESSOR)
    provenance = {'source': str(config.get('_name_or_path') or folder.name) if Path(source).is_dir() else str(source),
                  'weights_file': weights.name, 'licence': licence(folder), 'labels': note}
    return Bundle(model, labels, preprocess, tensors, provenance=provenance).save(out)


def download(source: str) -> Path:
    """Fetch the files of a checkpoint on the Hub; safetensors where it has them."""
    if not re.fullmatch(r'[\w.-]+/[\w.-]+', source) or source.startswith('.'):
        raise BundleError(f'{source}: no such folder, and not an id of the form owner/name')
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise BundleError(f'{source}: fetching by id needs huggingface_hub: run "pip install huggingface_hub", or download '
                          f'{CONFIG}, {PREPROCESSOR} and {WEIGHT_FILES[0]} into a folder and name that folder') from None
    try:
        folder = Path(snapshot_download(source, allow_patterns=['*.json', CARD, 'LICENSE*', 'model*.safetensors']))
        if not any((folder / name).exists() for name in WEIGHT_FILES[:2]):
            folder = Path(snapshot_download(source, allow_patterns=['pytorch_model*.bin']))
    except (OSError, ValueError) as error:
        first_line = str(error).strip().split('\n')[0]
        raise BundleError(f'{source}: cannot be fetched from the Hub: {first_line}') from error
    return folder


def model_spec(config: Mapping[str, Any], where: Path) -> ModelSpec:
    """The network of the table with the checkpoint's geometry."""
    from .models.mix_transformer import VARIANTS
    from .models.segformer import SegFormer
    architecture = (config.get('architectures') or ['SegformerForSemanticSegmentation'])[0]
    if config.get('model_type') != 'segformer' or architecture != 'SegformerForSemanticSegmentation':
        raise BundleError(f'{where}: this is {architecture} ({config.get("model_type")}); only '
                          'SegformerForSemanticSegmentation can be imported')
    for key, needed in FIXED.items():
        if config.get(key, needed) != needed:
            raise BundleError(f'{where}: {key} is {config[key]!r}; only {needed!r} is possible')
    missing = [key for key in (*GEOMETRY.values(), 'decoder_hidden_size') if key not in config]
    if missing:
        raise BundleError(f'{where}: missing key {missing[0]!r}')
    geometry = {ours: tuple(config[theirs]) for ours, theirs in GEOMETRY.items()}
    width = config['decoder_hidden_size']
    for name, variant in VARIANTS.items():
        if all(getattr(variant, key) == value for key, value in geometry.items()):
            default = SegFormer.Settings().head_width(variant)
            return ModelSpec(f'segformer_{name}', {} if width == default else {'width': width})
    return ModelSpec('segformer', {**{key: list(value) for key, value in geometry.items()}, 'width': width})


def find_weights(folder: Path) -> Path:
    """The file that holds the weights, or the index of the files that do."""
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return folder / name
    raise BundleError(f'{folder}: no weights; one of these is needed: {", ".join(WEIGHT_FILES)}')


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, or of all the files that an index names."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    if path.name.endswith('.index.json'):
        parts = sorted(set(read_json(path).get('weight_map', {}).values()))
        return {key: tensor for part in parts for key, tensor in read_tensors(path.parent / Path(part).name).items()}
    try:
        if path.suffix == '.safetensors':
            return load_file(path)
        return torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError:
        raise BundleError(f'{path}: named in the index but not there; download the checkpoint again') from None
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        first_line = str(error).split('\n')[0]
        raise BundleError(f'{path}: cannot be read as tensors: {first_line}') from error


def rename(tensors: Mapping[str, torch.Tensor], where: Path) -> dict[str, torch.Tensor]:
    """The checkpoint's tensors as float32 under the names of models.segformer."""
    import torch
    renamed = {}
    for key, tensor in tensors.items():
        for pattern, name in RENAMED:
            if pattern.match(key):
                tensor = tensor.float() if tensor.is_floating_point() else tensor
                renamed[pattern.sub(name, key)] = tensor.clone()
                break
        else:
            raise BundleError(f'{where}: tensor {key!r} has no place in a SegFormer')
    if 'head.classifier.weight' not in renamed:
        raise BundleError(f'{where}: no tensor decode_head.classifier.weight: the checkpoint has no segmentation head')
    renamed.setdefault('head.norm.num_batches_tracked', torch.tensor(0))
    return renamed


def label_space(id2label: Mapping[str, str], num_classes: int, where: Path) -> LabelSpace:
    """Cityscapes' own label space if the names are its names, else one with these names and colours that differ."""
    by_id = {int(key): str(value) for key, value in id2label.items()}
    if by_id and sorted(by_id) != list(range(num_classes)):
        raise BundleError(f'{where}: id2label has {len(by_id)} entries, but the weights have {num_classes} classes; '
                          'it must name 0 to one less')
    names = [by_id.get(i, f'class {i}') for i in range(num_classes)]
    if tuple(name.lower() for name in names) == CITYSCAPES.names:
        return CITYSCAPES
    unique = tuple(name if names.count(name) == 1 else f'{name} ({i})' for i, name in enumerate(names))
    try:
        return LabelSpace(f'imported{num_classes}', unique, tuple(distinct_colors(num_classes)))
    except ValueError as error:
        raise BundleError(f'{where}: {error}') from error


def distinct_colors(count: int) -> Iterable[tuple[int, int, int]]:
    """RGB colours 0..255: hues a golden angle apart, in turns of three brightnesses and two saturations."""
    for i in range(count):
        rgb = colorsys.hsv_to_rgb(i * 0.618034 % 1, (0.85, 0.55)[i % 2], (0.95, 0.7, 0.45)[i % 3])
        yield tuple(round(255 * value) for value in rgb)


def preprocessing(path: Path) -> tuple[Preprocess, str]:
    """What preprocessor_config.json asks for, and a note on the labels that the checkpoint was trained with."""
    found = read_json(path) if path.exists() else {}
    size = found.get('size', 512)
    height, width = (size['height'], size['width']) if isinstance(size, dict) and 'height' in size else (
        _square(size), _square(size))
    mean, std = (0.0,) * 3, (1.0,) * 3
    if found.get('do_normalize', True):
        mean = tuple(found.get('image_mean', Preprocess.mean))
        std = tuple(found.get('image_std', Preprocess.std))
    # The checkpoint's mean and std are of pixels times its factor; ours are of pixels / 255.
    scale = 255 * (found.get('rescale_factor', 1 / 255) if found.get('do_rescale', True) else 1)
    reduced = found.get('do_reduce_labels', found.get('reduce_labels', False))
    note = 'train ids are the data set\'s label ids less 1 (do_reduce_labels)' if reduced else 'as in id2label'
    if not found:
        note += f'; no {PREPROCESSOR} in the checkpoint, so SegFormer\'s default preprocessing'
    return Preprocess(height, width, True, tuple(v / scale for v in mean), tuple(v / scale for v in std)), note


def _square(size: int | Mapping[str, int]) -> int:
    return size if isinstance(size, int) else size.get('shortest_edge', 512)


def licence(folder: Path) -> str:
    """What the model card says, in words for the provenance."""
    card = folder / CARD
    if card.is_file():
        front = re.match(r'---\n(.*?)\n---', card.read_text(encoding='utf-8', errors='replace'), re.DOTALL)
        try:
            fields = yaml.safe_load(front.group(1)) if front else None
        except yaml.YAMLError:
            fields = None
        if isinstance(fields, dict) and fields.get('license'):
            words = [str(fields[key]) for key in ('license', 'license_name', 'license_link') if fields.get(key)]
            return ' '.join(words) + ' (as the model card says; read it before use)'
    return 'not stated in the checkpoint; ask its publisher before use'


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise BundleError(f'{path}: not found; a checkpoint is a folder with {CONFIG} and {WEIGHT_FILES[0]}') from None
    except (OSError, ValueError) as error:
        raise BundleError(f'{path}: cannot be read: {error}') from error
    if not isinstance(content, dict):
        raise BundleError(f'{path}: expected a mapping')
    return content

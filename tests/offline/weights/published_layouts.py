"""State dicts as publishers name them, made from our own networks by hand: not by the program's own table."""

from __future__ import annotations

import re

import torch


def renamed(tensors: dict, *rules: tuple[str, str]) -> dict:
    result = {}
    for key, tensor in tensors.items():
        for pattern, name in rules:
            if re.fullmatch(pattern, key):
                result[re.sub(pattern, name, key)] = tensor.clone()
                break
        else:
            raise AssertionError(f'no rule for {key}')
    return result


def encoder_only(made) -> dict:
    return {key: tensor for key, tensor in made.state_dict().items() if key.split('.')[0] not in made.head_parts}


def torchvision_resnet(made) -> dict:
    tensors = renamed(encoder_only(made), (r'encoder\.(.+)', r'\1'))
    return {**tensors, 'fc.weight': torch.ones(1000, 2048), 'fc.bias': torch.ones(1000)}


def drn(made, level: str) -> dict:
    """level: how level <N> is written."""
    tensors = renamed(
        encoder_only(made), (r'stem\.0\.(.+)', r'<0>.\1'), (r'stem\.1\.0\.(.+)', r'<1>.\1'),
        (r'levels\.(\d)\.(\d)\.conv(\d)\.0\.(\w+)', r'<\1+>.\2.conv\3.\4'),
        (r'levels\.(\d)\.(\d)\.conv(\d)\.1\.(\w+)', r'<\1+>.\2.bn\3.\4'),
        (r'levels\.(\d)\.(\d)\.(downsample\.\d\.\w+)', r'<\1+>.\2.\3'),
        (r'levels\.(\d)\.0\.(\d\.\w+)', r'<\1+>.\2'))
    return {re.sub(r'<(\d)(\+?)>', lambda match: level.format(int(match[1]) + 2 * bool(match[2])), key): tensor
            for key, tensor in tensors.items()}


def drn_layers(made) -> dict:
    return {**drn(made, 'layer{}'), 'fc.weight': torch.ones(1000, 512, 1, 1), 'fc.bias': torch.ones(1000)}


def drn_numbered(made) -> dict:
    tensors = drn(made, 'base.{}')
    return {**tensors, 'seg.weight': made.classifier.weight, 'seg.bias': made.classifier.bias,
            'up.weight': torch.ones(3, 1, 16, 16)}


MIT = ((r'encoder\.embeddings\.(\d)\.project\.(\w+)', r'patch_embed<\1>.proj.\2'),
       (r'encoder\.embeddings\.(\d)\.norm\.(\w+)', r'patch_embed<\1>.norm.\2'),
       (r'encoder\.norms\.(\d)\.(\w+)', r'norm<\1>.\2'),
       (r'encoder\.stages\.(\d)\.(\d+)\.(norm\d)\.(\w+)', r'block<\1>.\2.\3.\4'),
       (r'encoder\.stages\.(\d)\.(\d+)\.attention\.query\.(\w+)', r'block<\1>.\2.attn.q.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.attention\.key\.(\w+)', r'block<\1>.\2.attn.k.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.attention\.value\.(\w+)', r'block<\1>.\2.attn.v.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.attention\.project\.(\w+)', r'block<\1>.\2.attn.proj.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.attention\.reduce\.(\w+)', r'block<\1>.\2.attn.sr.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.attention\.norm\.(\w+)', r'block<\1>.\2.attn.norm.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.feed_forward\.expand\.(\w+)', r'block<\1>.\2.mlp.fc1.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.feed_forward\.depthwise\.(\w+)', r'block<\1>.\2.mlp.dwconv.dwconv.\3'),
       (r'encoder\.stages\.(\d)\.(\d+)\.feed_forward\.contract\.(\w+)', r'block<\1>.\2.mlp.fc2.\3'))


def joined(tensors: dict, *parts: str, into: str) -> dict:
    """Tensors whose names differ in `parts` alone, one after the other in one named `into`."""
    result = dict(tensors)
    for key in tensors:
        if parts[0] in key:
            result[key.replace(parts[0], into)] = torch.cat([result.pop(key.replace(parts[0], part)) for part in parts])
    return result


def mit_authors(made) -> dict:
    tensors = {re.sub(r'<(\d)>', lambda match: str(int(match[1]) + 1), key): tensor
               for key, tensor in renamed(encoder_only(made), *MIT).items()}
    tensors = joined(tensors, '.attn.k.', '.attn.v.', into='.attn.kv.')
    return {**tensors, 'head.weight': torch.ones(1000, 16), 'head.bias': torch.ones(1000)}


def mit_mmseg(made) -> dict:
    tensors = renamed(encoder_only(made), *MIT)
    rules = ((r'patch_embed<(\d)>\.proj\.(\w+)', r'layers.\1.0.projection.\2'),
             (r'patch_embed<(\d)>\.norm\.(\w+)', r'layers.\1.0.norm.\2'),
             (r'norm<(\d)>\.(\w+)', r'layers.\1.2.\2'),
             (r'block<(\d)>\.(\d+)\.attn\.([qkv])\.(\w+)', r'layers.\1.1.\2.attn.attn.in_\3_\4'),
             (r'block<(\d)>\.(\d+)\.attn\.proj\.(\w+)', r'layers.\1.1.\2.attn.attn.out_proj.\3'),
             (r'block<(\d)>\.(\d+)\.mlp\.fc1\.(\w+)', r'layers.\1.1.\2.ffn.layers.0.\3'),
             (r'block<(\d)>\.(\d+)\.mlp\.dwconv\.dwconv\.(\w+)', r'layers.\1.1.\2.ffn.layers.1.\3'),
             (r'block<(\d)>\.(\d+)\.mlp\.fc2\.(\w+)', r'layers.\1.1.\2.ffn.layers.4.\3'),
             (r'block<(\d)>\.(\d+)\.(.+)', r'layers.\1.1.\2.\3'))
    tensors = joined(renamed(tensors, *rules), 'attn.in_q_', 'attn.in_k_', 'attn.in_v_', into='attn.in_proj_')
    return {key: tensor[:, :, None, None] if 'ffn.layers' in key and tensor.ndim == 2 else tensor
            for key, tensor in tensors.items()}


def without_counters(tensors: dict) -> dict:
    return {key: tensor for key, tensor in tensors.items() if not key.endswith('num_batches_tracked')}

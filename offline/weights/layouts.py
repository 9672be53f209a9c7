"""The names that published weights give to their tensors, and ours: one table a layout, one regular expression a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from uda_seg_ros import import_hf

Rule = tuple[str, 'str | tuple[str, ...]']  # a tensor of several names is cut into equal parts along its first side


@dataclass(frozen=True)
class Layout:
    """One publisher's names.

    networks: beginnings of the names in NETWORKS it is for. rules: (their name, ours); the whole name must match. dropped:
    tensors that their networks hold and ours do not need: classifiers of ImageNet, fixed enlargement, unused slopes.
    """

    networks: tuple[str, ...]
    rules: tuple[Rule, ...]
    dropped: str = ''

    def rename(self, tensors: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], list[str]]:
        """(tensors by our names, their names that have no place)."""
        renamed, unknown = {}, []
        for key, tensor in tensors.items():
            names = self._ours(key)
            if names:
                renamed.update(zip(names, tensor.chunk(len(names)) if len(names) > 1 else (tensor,)))
            elif not (self.dropped and re.fullmatch(self.dropped, key)):
                unknown.append(key)
        return renamed, unknown

    def _ours(self, key: str) -> tuple[str, ...]:
        for pattern, ours in self.rules:
            match = re.fullmatch(pattern, key)
            if match:
                return tuple(match.expand(name) for name in ((ours,) if isinstance(ours, str) else ours))
        return ()


def _beneath(pairs: Mapping[str, str], theirs: str, ours: str) -> tuple[Rule, ...]:
    """Rules for the parts of one block: theirs.A.parameter -> ours.B.parameter."""
    return tuple((theirs + re.escape(a) + r'\.(?P<last>\w+)', rf'{ours}{b}.\g<last>') for a, b in pairs.items())


_CONV_NORM_ACT = {'conv': '0', 'bn': '1', 'act': '2'}
_EESP = {
    **{f'proj_1x1.{a}': f'reduce.{b}' for a, b in _CONV_NORM_ACT.items()},
    **{f'spp_dw.{i}.conv': f'branches.{i}' for i in range(4)},
    **{f'br_after_cat.{a}': f'join.{b}' for a, b in (('bn', 0), ('act', 1))},
    **{f'conv_1x1_exp.{a}': f'expand.{b}' for a, b in _CONV_NORM_ACT.items()}}


def _espnet_v2() -> tuple[Rule, ...]:
    rules = _beneath(_CONV_NORM_ACT, r'base_net\.level1\.', 'encoder.stem.')
    for i, level in enumerate((2, 3, 4)):
        theirs, ours = rf'base_net\.level{level}_0\.', f'encoder.downs.{i}.'
        rules += _beneath(_EESP, rf'{theirs}eesp\.', f'{ours}block.')
        rules += _beneath({'act': 'activation'}, theirs, ours)
        rules += _beneath({f'inp_reinf.{n}.{a}': f'reinforce.{n}.{b}' for n in (0, 1) for a, b in _CONV_NORM_ACT.items()},
                          theirs, ours)
    for i, level in enumerate((3, 4)):
        theirs, ours = rf'base_net\.level{level}\.(\d+)\.', rf'encoder.blocks.{i}.\1.'
        rules += _beneath(_EESP, theirs, f'{ours}block.') + _beneath({'module_act': 'activation'}, theirs, ours)
    for i in range(4):
        theirs, ours = rf'bu_dec_l{i + 1}\.', f'decoder.pyramids.{i}.'
        parts = {**{f'projection_layer.cbr.{n}': f'project.{n}' for n in range(3)},
                 **{f'stages.{n}': f'stages.{n}' for n in range(5)},
                 **{f'merge_layer.0.br.{n}': f'join.{n}' for n in (0, 1)},
                 **{f'merge_layer.2.cbr.{n}': f'merge.{n}' for n in range(3)}, 'merge_layer.3': 'output'}
        rules += _beneath(parts, theirs, ours)
        rules += _beneath({f'br.br.{n}': f'norms.{i}.{n}' for n in (0, 1)}, theirs, 'decoder.')
    for i in range(3):
        rules += _beneath({'wt_layer.1': 'gate', **{f'expansion_layer.cbr.{n}': f'expand.{n}' for n in range(3)}},
                          rf'merge_enc_dec_l{i + 2}\.', f'decoder.laterals.{i}.')
        rules += _beneath({str(n): str(n) for n in (0, 1)}, rf'bu_br_l{i + 2}\.', f'decoder.merges.{i}.')
    return rules


def _drn(level: str) -> tuple[Rule, ...]:
    """level: their name of level N, written with one {}."""
    def theirs(n: int) -> str:
        return level.format(n)
    rules = _beneath({'0': '0', '1': '1'}, theirs(0), 'stem.0.') + _beneath({'0': '0', '1': '1'}, theirs(1), 'stem.1.0.')
    for n in (2, 7, 8):
        rules += _beneath({'0': '0', '1': '1'}, theirs(n), f'levels.{n - 2}.0.')
    block = {'conv1': 'conv1.0', 'bn1': 'conv1.1', 'conv2': 'conv2.0', 'bn2': 'conv2.1', 'downsample.0': 'downsample.0',
             'downsample.1': 'downsample.1'}
    for n in (3, 4, 5, 6):
        rules += _beneath(block, theirs(n) + r'(\d+)\.', rf'levels.{n - 2}.\1.')
    return (*rules, (r'seg\.(\w+)', r'classifier.\1'))


_BLOCK = r'encoder.stages.\1.\2.'
_MIT_STAGES = (('0', '1'), ('1', '2'), ('2', '3'), ('3', '4'))


def _mit_official() -> tuple[Rule, ...]:
    rules: tuple[Rule, ...] = ()
    parts = {'norm1': 'norm1', 'norm2': 'norm2', 'attn.q': 'attention.query', 'attn.proj': 'attention.project',
             'attn.sr': 'attention.reduce', 'attn.norm': 'attention.norm', 'mlp.fc1': 'feed_forward.expand',
             'mlp.dwconv.dwconv': 'feed_forward.depthwise', 'mlp.fc2': 'feed_forward.contract'}
    for ours, theirs in _MIT_STAGES:
        block = rf'encoder.stages.{ours}.\1.'
        rules += _beneath({'proj': 'project', 'norm': 'norm'}, rf'patch_embed{theirs}\.', f'encoder.embeddings.{ours}.')
        rules += _beneath(parts, rf'block{theirs}\.(\d+)\.', block)
        rules += ((rf'block{theirs}\.(\d+)\.attn\.kv\.(\w+)', tuple(rf'{block}attention.{n}.\2' for n in ('key', 'value'))),
                  (rf'norm{theirs}\.(\w+)', rf'encoder.norms.{ours}.\1'))
    return rules


def _mit_mmseg() -> tuple[Rule, ...]:
    parts = {'norm1': 'norm1', 'norm2': 'norm2', 'attn.attn.out_proj': 'attention.project', 'attn.sr': 'attention.reduce',
             'attn.norm': 'attention.norm', 'ffn.layers.0': 'feed_forward.expand', 'ffn.layers.1': 'feed_forward.depthwise',
             'ffn.layers.4': 'feed_forward.contract'}
    block = r'layers\.(\d)\.1\.(\d+)\.'
    return (*_beneath({'projection': 'project', 'norm': 'norm'}, r'layers\.(\d)\.0\.', r'encoder.embeddings.\1.'),
            *_beneath(parts, block, _BLOCK),
            (block + r'attn\.attn\.in_proj_(\w+)', tuple(rf'{_BLOCK}attention.{n}.\3' for n in ('query', 'key', 'value'))),
            (r'layers\.(\d)\.2\.(\w+)', r'encoder.norms.\1.\2'))


LAYOUTS: dict[str, Layout] = {
    'our own names': Layout(('',), ((r'(.+)', r'\1'),)),
    'torchvision ResNet': Layout(('deeplab_v2_',), ((r'((?:conv1|bn1|layer[1-4])\..+)', r'encoder.\1'),), r'fc\.\w+'),
    'DRN authors': Layout(('drn_d_',), _drn(r'layer{}\.'), r'fc\.\w+'),
    'DRN authors, numbered': Layout(('drn_d_',), _drn(r'(?:base\.)?{}\.'), r'up\.\w+|(?:base\.)?10\.\w+'),
    'MiT authors': Layout(('segformer',), _mit_official(), r'head\.\w+'),
    'MiT of mmsegmentation': Layout(('segformer',), _mit_mmseg()),
    'SegFormer of Hugging Face': Layout(
        ('segformer',), tuple((pattern.pattern.removesuffix('$'), name) for pattern, name in import_hf.RENAMED),
        r'classifier\.\w+'),
    'ESPNetv2 of EdgeNets': Layout(
        ('espnet_v2',), _espnet_v2(), r'base_net\.level\d_0\.eesp\.module_act\.weight'),
}

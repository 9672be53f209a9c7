"""The trained translator: its networks, its losses, its stage, and what a later stage takes from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from offline.methods import METHODS, Method
from offline.parts.translator.losses import deceive, discriminate, edge_loss, label_edges
from offline.parts.translator.networks import PatchDiscriminator, Translator
from offline.parts.translator.vgg import VGGLoss
from offline.samples import Batch
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import build

from .cases import STUDENT, Case

CASE = Case({'width': 4}, source=False)


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def label() -> torch.Tensor:
    """Class 3 with a rectangle of class 4, and IGNORE in a corner."""
    label = torch.full((2, 64, 96), 3)
    label[:, 20:40, 30:60] = 4
    label[:, 50:, :20] = IGNORE
    return label


@pytest.mark.parametrize('size', [(64, 96), (68, 64)])
def test_a_translated_picture_has_the_size_and_range_of_a_picture(size):
    translator = Translator(4)
    assert translator.encoder(torch.zeros(1, 3, *size)).shape == (1, 16, size[0] // 4, size[1] // 4)
    out = translator(torch.rand(1, 3, *size))
    assert out.shape == (1, 3, *size) and out.min() >= 0 and out.max() <= 1


def test_the_discriminator_judges_patches_at_three_scales(image):
    assert [score.shape for score in PatchDiscriminator(4)(image)] == [(2, 1, 4, 6), (2, 1, 2, 3), (2, 1, 1, 1)]


def test_adversarial_losses_reach_one_side_each(image):
    judge, fake = PatchDiscriminator(4), (image / 2).requires_grad_()
    deceive(judge, fake).backward()
    assert fake.grad.any() and all(parameter.grad is None for parameter in judge.parameters())
    fake.grad = None
    discriminate(judge, image, fake).backward()
    assert fake.grad is None and all(parameter.grad.any() for parameter in judge.parameters())


def test_adversarial_losses_are_least_squares_summed_over_the_scales(image):
    def judge_all(score):
        class Judge(torch.nn.Module):
            def forward(self, picture):
                return (torch.full((1, 1, 2, 2), score),) * 3
        return Judge()
    assert deceive(judge_all(0.0), image).item() == 3 and deceive(judge_all(1.0), image).item() == 0
    assert discriminate(judge_all(0.5), image, image).item() == pytest.approx(3 * (0.25 + 0.25))


def test_edges_lie_along_the_borders_of_classes_and_within_two_pixels_of_them(label):
    edges = label_edges(label)[:, 0]
    assert edges[:, 20:40, 30].all() and edges[:, 19, 30:60].all() and edges[:, 50:, 19].all()
    assert not edges[:, :17].any() and not edges[:, 23:37, 33:57].any() and not edges[:, 23:37, 63:].any()


def test_the_edge_loss_is_zero_for_equal_pictures_and_looks_at_edges_only(image, label):
    assert edge_loss(image, image, label).item() == 0
    edges = label_edges(label)
    assert edge_loss(image + ~edges, image, label).item() == 0
    torch.testing.assert_close(edge_loss(image + 0.5 * edges, image, label), 0.5 * edges.float().mean())


def optimisers_of(method: Method) -> list[torch.optim.Optimizer]:
    return [torch.optim.Adam([p for _, p in group['params']], 2e-3, betas=(0.5, 0.999)) for group in method.param_groups()]


def train(method: Method, batch: Batch, steps: int) -> list[dict[str, float]]:
    optimisers, seen = optimisers_of(method), []
    for step in range(steps):
        losses = method(batch, step)
        for optimiser in optimisers:
            optimiser.zero_grad()
        sum(losses.values()).backward()
        for optimiser in optimisers:
            optimiser.step()
        method.after_step(step)
        seen.append({name: loss.item() for name, loss in losses.items()})
    return seen


@pytest.fixture(scope='module')
def trained() -> tuple[Method, Batch, list[dict[str, float]]]:
    torch.set_num_threads(1)
    method = CASE.make('diga_translator')
    batch = CASE.batch(method)
    tiny = Batch(*(tensor[:1, ..., :64, :64].contiguous() for tensor in (
        batch.source_image, batch.source_label, batch.target_image)))
    return method, tiny, train(method, tiny, 20)


def test_twenty_steps_on_two_tiny_pictures_lessen_the_cycle_loss(trained):
    losses = trained[2]
    assert losses[-1]['cycle'] < 0.7 * losses[0]['cycle']


def test_the_optimisers_share_out_translators_and_discriminators(trained):
    main, judges = trained[0].param_groups()
    assert (main['optimiser'], judges['optimiser']) == ('main', 'discriminator')
    assert {name.split('.')[0] for name, _ in main['params']} == {'to_target', 'to_source'}
    assert {name.split('.')[0] for name, _ in judges['params']} == {'judge_target', 'judge_source'}


@pytest.mark.parametrize('name', ['diga_warm_up', 'diga'])
def test_a_later_stage_takes_the_translator_and_leaves_it_as_it_is(trained, name):
    method, batch, _ = trained
    cls = METHODS[name]
    later = cls({'student': build(num_classes=19, **STUDENT)}, cls.Config(restyle='translator', translator_width=4),
                Preprocess(64, 64))
    tensors = method.parts()['translator'].state_dict()
    later.parts()['translator'].load_state_dict(tensors)
    with torch.no_grad():
        later.eval().prepare([batch.target_image])
    later.train()
    batch = replace(batch, target_label=torch.zeros_like(batch.source_label))
    sum(later(batch, 0).values()).backward()
    translated = later.restyler(batch.source_image, None)
    assert torch.equal(translated, method.to_target(batch.source_image)) and not translated.requires_grad
    assert all(not p.requires_grad for p in later.restyler.parameters())


def test_the_student_passes_through_untouched(trained):
    method = trained[0]
    torch.manual_seed(0)
    assert all(torch.equal(tensor, method.parts()['student'].state_dict()[key])
               for key, tensor in build(num_classes=19, **STUDENT).state_dict().items())


@pytest.fixture(scope='module')
def vgg_file(tmp_path_factory) -> str:
    """Random tensors in torchvision's layout, those after the fifth block's first layer included."""
    shapes, inputs = {}, 3
    blocks = {64: (0, 2), 128: (5, 7), 256: (10, 12, 14, 16), 512: (19, 21, 23, 25, 28, 30)}
    for index, outputs in ((index, outputs) for outputs, indices in blocks.items() for index in indices):
        shapes |= {f'features.{index}.weight': (outputs, inputs, 3, 3), f'features.{index}.bias': (outputs,)}
        inputs = outputs
    random = torch.Generator().manual_seed(0)
    tensors = {name: 0.05 * torch.randn(shape, generator=random) for name, shape in shapes.items()}
    path = tmp_path_factory.mktemp('vgg') / 'vgg19.safetensors'
    save_file({**tensors, 'classifier.0.bias': torch.zeros(4)}, path)
    return str(path)


def test_the_perceptual_loss_is_zero_for_equal_pictures_and_the_reference_gets_no_gradient(vgg_file, image):
    vgg = VGGLoss(vgg_file)
    first, second = image[:1, :, :32, :32].clone().requires_grad_(), image[1:, :, :32, :32].clone().requires_grad_()
    assert vgg(first, first).item() == 0
    vgg(first, second).backward()
    assert first.grad.any() and second.grad is None
    assert all(parameter.grad is None for parameter in vgg.parameters())


def test_with_a_file_of_weights_the_stage_has_a_perceptual_loss(vgg_file):
    case = Case({'width': 4, 'vgg_weights': vgg_file}, source=False)
    method = case.make('diga_translator')
    batch = case.batch(method)
    assert 'vgg' in method(Batch(batch.source_image[:1], batch.source_label[:1], batch.target_image[:1]), 0)
    assert 'vgg' not in str([name for group in method.param_groups() for name, _ in group['params']])


@pytest.mark.parametrize('content, match', [
    (None, 'no file'), (b'no tensors', 'cannot be read'), ({'features.0.weight': torch.zeros(64, 3, 1, 1)}, 'features')])
def test_a_file_of_weights_that_does_not_fit_is_refused_by_name(tmp_path, content, match):
    path = tmp_path / 'vgg.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        torch.save(content, path)
    with pytest.raises(ConfigError, match=match) as error:
        VGGLoss(str(path))
    assert 'vgg.pth' in str(error.value)

"""The acceptance tests of DAKD, and what its chain of stages must carry along."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from offline.methods.dakd import DAKD
from offline.methods.dakd_adapt import DAKDAdapt
from offline.parts.auxiliary_head import two_heads
from offline.samples import Batch
from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError, from_mapping
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import SegmentationModel, build
from uda_seg_ros.models.resize import resize_logits
from uda_seg_ros.self_training.losses import kl, kl_map

pytestmark = pytest.mark.filterwarnings('ignore:reduction')  # kl_div says that 'mean' will change
CLASSES = 5
PREPROCESS = Preprocess(32, 64)
SEGFORMER = {'channels': [8, 8, 16, 16], 'depths': [1, 1, 1, 1], 'heads': [1, 1, 2, 2], 'head': 'fuse', 'width': 16}


def student() -> SegmentationModel:
    return build('fast_scnn', CLASSES, width=0.25)


def make(method=DAKD, networks=None, preprocess=PREPROCESS, **config):
    """The method in train mode; the student a CNN, the teacher a Transformer, slim discriminators."""
    torch.manual_seed(0)
    config = {'adaptation': {'discriminator_width': 8}, **config}
    if networks is None:
        networks = {'student': student()}
        if 'teacher' in method.ROLES:
            networks['teacher'] = build('segformer', CLASSES, **SEGFORMER)
    return method(networks, from_mapping(method.Config, config, 'test'), preprocess).train()


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    label = torch.randint(CLASSES, (2, 32, 64))
    label[:, :4] = IGNORE
    return Batch(torch.rand(2, 3, 32, 64), label, torch.rand(2, 3, 32, 64))


def optimisers(method) -> list[torch.optim.Optimizer]:
    return [torch.optim.AdamW([parameter for _, parameter in group['params']], 1e-3) for group in method.param_groups()]


def run(method, batch, steps) -> list[dict[str, float]]:
    """Loss log of some steps as the trainer takes them: one backward for all losses."""
    log, stepping = [], optimisers(method)
    for step in range(steps):
        losses = method(batch, step)
        for optimiser in stepping:
            optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        for optimiser in stepping:
            optimiser.step()
        log.append({name: float(loss.detach()) for name, loss in losses.items()})
    return log


def total(method, batch, names=lambda name: True) -> float:
    torch.manual_seed(2)
    return sum(float(loss.detach()) for name, loss in method(batch, 0).items() if names(name))


def released_kl(teacher, student):
    """The term as published: log-probs stand where probs are expected."""
    return functional.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction='mean')


def learn_freely(loss, teacher, steps=400) -> torch.Tensor:
    """Logits without a network, moved by this loss alone."""
    logits = torch.randn_like(teacher).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(teacher, logits).backward()
        optimiser.step()
    return logits.detach()


def agreement(teacher, student) -> float:
    return float((teacher.argmax(1) == student.argmax(1)).float().mean())


def test_kl_is_0_for_equals_and_never_negative():
    torch.manual_seed(0)
    teacher, other = 3 * torch.randn(2, 2, 19, 8, 8)
    assert kl_map(teacher, teacher).abs().max() < 1e-6
    assert kl_map(teacher, teacher + 7).abs().max() < 1e-5
    assert kl_map(teacher, other).min() > 0


def test_per_pixel_kl_is_the_number_of_classes_times_the_mean_over_all_elements():
    torch.manual_seed(0)
    teacher, other = torch.randn(2, 2, 19, 8, 8)
    by_element = functional.kl_div(other.log_softmax(1), teacher.log_softmax(1), reduction='mean', log_target=True)
    assert torch.allclose(kl(teacher, other), 19 * by_element)


def test_our_kl_has_the_gradient_of_the_definition_and_the_released_term_has_not():
    """Of mean over pixels of sum P_T log(P_T / P_S) that is (P_S - P_T) / pixels."""
    torch.manual_seed(0)
    teacher, logits = torch.randn(2, 2, 19, 4, 4)
    logits.requires_grad_()
    expected = (logits.softmax(1) - teacher.softmax(1)).detach() / (2 * 4 * 4)
    ours, = torch.autograd.grad(kl(teacher, logits), logits)
    released, = torch.autograd.grad(released_kl(teacher, logits), logits)
    assert torch.allclose(ours, expected, atol=1e-7)
    assert not torch.allclose(19 * released, expected, atol=1e-2)


def test_free_logits_come_to_agree_by_our_kl_and_collapse_by_the_released_term():
    torch.manual_seed(0)
    teacher = 1.5 * torch.randn(1, 19, 16, 16)
    ours, released = (learn_freely(loss, teacher) for loss in (kl, released_kl))
    assert agreement(teacher, ours) == 1 and kl(teacher, ours) < 1e-3
    assert agreement(teacher, released) < 0.1 and kl(teacher, released) > 20
    assert released_kl(teacher, released).isnan() or released_kl(teacher, released) < 0


@pytest.mark.parametrize('config', [{}, {'levels': 'output'}])
def test_the_teacher_never_changes_and_gets_no_gradient(batch, config):
    method = make(**config)
    parts = [method.parts()[name] for name in ('teacher', 'teacher_auxiliary')]
    before = [{name: tensor.clone() for name, tensor in part.state_dict().items()} for part in parts]
    run(method, batch, 3)
    for part, tensors in zip(parts, before):
        assert tensors and all(torch.equal(tensor, tensors[name]) for name, tensor in part.state_dict().items())
        assert all(parameter.grad is None for parameter in part.parameters())
        assert not part.training


@pytest.mark.parametrize('which, moved, left', [
    ('adversarial', 'student', 'discriminators'), ('discriminator', 'discriminators', 'student')])
@pytest.mark.parametrize('kind', [DAKD, DAKDAdapt])
def test_each_side_of_the_game_trains_itself_only(batch, kind, which, moved, left):
    method = make(kind)
    method(batch, 0)[which].backward()
    assert all(parameter.grad is None for parameter in method.parts()[left].parameters())
    assert sum(float(parameter.grad.abs().sum()) for parameter in method.parts()[moved].parameters()) > 0


@pytest.mark.parametrize('kind', [DAKD, DAKDAdapt])
def test_every_trained_parameter_has_one_optimiser(kind):
    method = make(kind)
    groups = {group['optimiser']: dict(group['params']) for group in method.param_groups()}
    assert set(groups) == {'main', 'discriminator'} and not set(groups['main']) & set(groups['discriminator'])
    assert all(name.startswith('discriminators.') for name in groups['discriminator'])
    trained = {name for name, parameter in method.named_parameters() if parameter.requires_grad}
    assert trained == set(groups['main']) | set(groups['discriminator'])
    assert any(name.startswith('student_auxiliary.') for name in groups['main'])


def test_without_the_targets_weight_paradigm_c_is_a(batch):
    assert total(make(target=0.0), batch) == pytest.approx(total(make(paradigm='a'), batch), rel=1e-6)


def test_without_the_source_terms_paradigm_c_is_b(batch):
    def on_target(name):
        return not name.endswith('_source')
    assert total(make(paradigm='b'), batch) == pytest.approx(total(make(), batch, on_target), rel=1e-6)
    assert total(make(paradigm='b'), batch) == total(make(paradigm='b'), batch, on_target)


def test_paradigm_c_is_a_and_b_beside_the_adaptation(batch):
    adaptation = total(make(DAKDAdapt), batch)
    a, b, c = (total(make(paradigm=paradigm), batch) for paradigm in 'abc')
    shared = total(make(), batch, lambda name: name in ('source', 'adversarial', 'discriminator'))
    assert c - shared == pytest.approx((a - shared) + (b - shared), rel=1e-5)
    assert adaptation > 0 and set(make(DAKDAdapt)(batch, 0)) == {'source', 'adversarial', 'discriminator'}


class Table(SegmentationModel):
    """Logits written down for a dark picture (source) and a bright one (target): pixels x classes, for both heads."""

    multiple = stride = 1

    def __init__(self, inner: dict, outer: dict) -> None:
        super().__init__(2)
        self.inner, self.outer = ({key: torch.tensor(rows).log().T[None, :, None] for key, rows in head.items()}
                                  for head in (inner, outer))
        self.scale = nn.Parameter(torch.ones(()))

    def forward_features(self, image):
        domain = 'target' if image.mean() > 0.5 else 'source'
        return self.inner[domain] * self.scale, self.outer[domain] * self.scale

    def forward_head(self, features, size=None):
        return resize_logits(features[-1], size)


def two_pixels():
    """(method, batch): 2 classes, 2 pixels, heads and discriminators whose answers are known."""
    rows = {'source': [[0.5, 0.5], [0.8, 0.2]], 'target': [[0.25, 0.75], [0.5, 0.5]]}
    networks = {'student': Table({k: [[0.5, 0.5], [0.5, 0.5]] for k in rows}, rows),
                'teacher': Table({k: [[0.8, 0.2], [0.5, 0.5]] for k in rows},
                                 {'source': [[0.8, 0.2], [0.8, 0.2]], 'target': [[0.25, 0.75], [0.2, 0.8]]})}
    method = make(networks=networks, preprocess=Preprocess(1, 2, mean=(0, 0, 0), std=(1, 1, 1)))
    with torch.no_grad():
        for auxiliary in (method.student_auxiliary, method.teacher_auxiliary):
            auxiliary.classifier.weight.copy_(torch.eye(2)[:, :, None, None])
            auxiliary.classifier.bias.zero_()
    for discriminator, verdict in zip(method.discriminators, (1.0, -2.0)):
        discriminator.layers = nn.Conv2d(2, 1, 1)
        nn.init.zeros_(discriminator.layers.weight)
        nn.init.constant_(discriminator.layers.bias, verdict)
    label = torch.tensor([[[0, 1]]])
    return method, Batch(torch.zeros(1, 3, 1, 2), label, torch.ones(1, 3, 1, 2))


def test_two_pixels_by_hand_show_every_weight():
    method, batch = two_pixels()
    log, e = math.log, math.exp

    def kl2(p, q):
        return sum(a * log(a / b) for a, b in zip(p, q))
    head1_kl = (kl2((0.8, 0.2), (0.5, 0.5)) + 0) / 2
    head1_mse = (log(0.5 / 0.8) ** 2 + log(0.5 / 0.2) ** 2 + 0 + 0) / 4
    expected = {
        'source': -(log(0.5) + log(0.2)) / 2 + 0.1 * -log(0.5),
        'adversarial': 0.0002 * log(1 + e(1)) + 0.001 * log(1 + e(-2)),
        'discriminator': 0.5 * (log(1 + e(1)) + log(1 + e(-1))) + 0.5 * (log(1 + e(-2)) + log(1 + e(2))),
        'kl_source': 0.1 * ((kl2((0.8, 0.2), (0.5, 0.5)) + 0) / 2 + 0.1 * head1_kl),
        'mse_source': 0.01 * head1_mse,
        'pseudo_label_source': 1.0 * -(log(0.5) + log(0.8)) / 2,
        'kl_target': 0.1 * ((0 + kl2((0.2, 0.8), (0.5, 0.5))) / 2 + 0.1 * head1_kl),
        'mse_target': 0.01 * head1_mse,
        'pseudo_label_target': 1.0 * -(log(0.75) + log(0.5)) / 2}
    losses = {name: float(loss.detach()) for name, loss in method(batch, 0).items()}
    assert losses == pytest.approx(expected, rel=1e-5)


def plain_losses(method, batch):
    """Every loss straight from the logits, each with a softmax of its own."""
    def heads(network, auxiliary, image):
        return two_heads(network, auxiliary, method.normalise(image), tuple(image.shape[-2:]))

    def divergence(teacher, student):
        return CLASSES * functional.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction='mean', log_target=True)

    images = {'source': batch.source_image, 'target': batch.target_image}
    student = {domain: heads(method.student, method.student_auxiliary, image) for domain, image in images.items()}
    label = batch.source_label
    inner, outer = (functional.cross_entropy(logits, label, ignore_index=IGNORE) for logits in student['source'])
    losses = {'source': outer + 0.1 * inner, 'adversarial': 0, 'discriminator': 0}
    for discriminator, weight, source, target in zip(method.discriminators, (0.0002, 0.001), *student.values()):
        losses['adversarial'] += weight * functional.softplus(discriminator(target.softmax(1))).mean()
        losses['discriminator'] += sum(functional.softplus(sign * discriminator(logits.detach().softmax(1))).mean() / 2
                                       for sign, logits in ((1, source), (-1, target)))
    for domain, image in images.items():
        with torch.no_grad():
            teacher = heads(method.networks['teacher'], method.teacher_auxiliary, image)
        inner, outer = (divergence(*pair) for pair in zip(teacher, student[domain]))
        log_probs = [logits[0].log_softmax(1) for logits in (teacher, student[domain])]
        losses |= {f'kl_{domain}': 0.1 * (outer + 0.1 * inner), f'mse_{domain}': 0.01 * functional.mse_loss(*log_probs),
                   f'pseudo_label_{domain}': functional.cross_entropy(student[domain][1], teacher[1].argmax(1))}
    return losses


def test_log_probs_shared_by_all_losses_give_each_the_gradient_of_its_formula(batch):
    method = make(networks={'student': build('fast_scnn', CLASSES, width=0.25, dropout=0.0),
                            'teacher': build('segformer', CLASSES, **SEGFORMER)})
    groups = {group['optimiser']: [parameter for _, parameter in group['params']] for group in method.param_groups()}
    shared, plain = method(batch, 0), plain_losses(method, batch)
    assert shared.keys() == plain.keys()
    for name, loss in plain.items():
        trained = groups['discriminator' if name == 'discriminator' else 'main']
        gradients = [torch.cat([gradient.flatten() for gradient in torch.autograd.grad(
            each, trained, retain_graph=True, allow_unused=True, materialize_grads=True)]) for each in (shared[name], loss)]
        torch.testing.assert_close(shared[name], loss)
        assert gradients[1].norm() > 0 and (gradients[0] - gradients[1]).norm() < 1e-4 * gradients[1].norm(), name


def test_pixels_of_ignore_are_left_out_of_the_mean_of_the_supervised_loss(batch):
    method = make(DAKDAdapt, {'student': build('fast_scnn', CLASSES, width=0.25, dropout=0.0)})
    loss = method(batch, 0)['source']
    inner, outer = (functional.cross_entropy(logits, batch.source_label, ignore_index=IGNORE)
                    for logits in method._heads(batch.source_image))
    assert (batch.source_label == IGNORE).any() and torch.allclose(loss, outer + 0.1 * inner, rtol=1e-4)


@pytest.mark.parametrize('kind', [DAKD, DAKDAdapt])
def test_labels_of_nothing_but_ignore_cost_0(batch, kind):
    empty = Batch(batch.source_image, torch.full_like(batch.source_label, IGNORE), batch.target_image)
    assert make(kind)(empty, 0)['source'] == 0


@pytest.mark.parametrize('kind', [DAKD, DAKDAdapt])
def test_the_student_and_head_2_alone_go_to_the_vehicle(batch, kind):
    method = make(kind)
    run(method, batch, 1)
    network = method.network().eval()
    fresh = student().eval()
    fresh.load_state_dict(network.state_dict(), strict=True)
    image = torch.randn(4, 3, 32, 64)
    with torch.no_grad():
        assert torch.allclose(fresh(image), torch.cat([network(one[None]) for one in image]), atol=1e-5)


def test_a_hundred_steps_without_nan(batch):
    torch.manual_seed(0)
    blind = Batch(batch.source_image, torch.full_like(batch.source_label, IGNORE), batch.target_image)
    method = make()
    log = run(method, batch, 60) + run(method, blind, 40)
    assert len(log) == 100 and all(math.isfinite(loss) for losses in log for loss in losses.values())
    assert sum(log[59].values()) < sum(log[0].values())


def test_a_teacher_without_a_trained_inner_head_is_refused_unless_head_2_alone_teaches(batch):
    with pytest.raises(ConfigError, match=r'head 1 was never trained.*levels: output'):
        make().prepare([])
    method = make(levels='output')
    method.prepare([])
    assert not [name for name in method(batch, 0) if name.startswith('mse')]


def test_pseudo_labels_on_source_can_be_left_out(batch):
    losses = make(pseudo_label_on_source=False)(batch, 0)
    assert losses['pseudo_label_source'] == 0 and losses['pseudo_label_target'] > 0 and losses['kl_source'] > 0


def test_paradigm_d_is_a_chain_of_stages(batch):
    """adapt a teacher, distil on both domains, go on with the target alone: parts fit from stage to stage."""
    adapt = make(DAKDAdapt, {'student': build('segformer', CLASSES, **SEGFORMER)})
    run(adapt, batch, 1)
    both, last = make(paradigm='c'), make(paradigm='b')
    start(both, {'teacher': adapt.parts()['student'], 'teacher_auxiliary': adapt.parts()['student_auxiliary']})
    both.prepare([])
    run(both, batch, 1)
    start(last, {name: both.parts()[name] for name in both.parts()})
    last.prepare([])
    log = run(last, batch, 1)
    assert 'kl_target' in log[0] and 'kl_source' not in log[0]
    assert torch.equal(last.teacher_auxiliary.classifier.weight, adapt.student_auxiliary.classifier.weight)


def start(method, parts) -> None:
    for name, part in parts.items():
        method.parts()[name].load_state_dict(part.state_dict(), strict=True)

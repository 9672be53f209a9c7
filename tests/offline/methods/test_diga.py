"""DiGA against section 12 of its specification, and against the traps that section 11 lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import distributed, nn

from offline.methods import Method
from offline.samples import Batch
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.centroids import Centroids
from uda_seg_ros.self_training.ema import ema_alpha
from uda_seg_ros.self_training.losses import cross_entropy, ohem_cross_entropy, soft_cross_entropy, symmetric_distillation
from uda_seg_ros.self_training.pseudo_label import consensus

from .cases import CLASSES, HEIGHT, LARGER, WIDTH, Case

BOTH = ('diga_warm_up', 'diga')


def made(name: str, networks=(), **config) -> tuple[Method, Batch]:
    case = Case(config, dict(networks))
    method = case.make(name)
    return method, case.batch(method)


def tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize('step, alpha', [(0, 0.0), (9, 0.9), (999, 0.999), (5000, 0.999)])
def test_the_average_keeps_more_of_itself_with_the_steps(step, alpha):
    assert ema_alpha(step) == pytest.approx(alpha, abs=1e-12)


@pytest.mark.parametrize('name', BOTH)
def test_the_first_step_makes_the_teacher_the_student_buffers_included(name):
    method, batch = made(name)
    for tensor in method.student.state_dict().values():
        tensor.add_(1)
    student = tensors(method.student)
    method(batch, 0)
    assert same(student, tensors(method.teacher))
    assert not any(module.training for module in method.teacher.modules())


@pytest.mark.parametrize('name', BOTH)
def test_a_given_teacher_takes_the_average_s_place_and_never_changes(name):
    method, batch = made(name, {'teacher': LARGER})
    before = tensors(method.networks['teacher'])
    for step in range(2):
        sum(method(batch, step).values()).backward()
    assert same(before, tensors(method.teacher))
    assert all(parameter.grad is None for parameter in method.teacher.parameters())


def views() -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return [torch.randn(2, 5, 6, 7, generator=random, requires_grad=True) for _ in range(4)]


def test_no_gradient_reaches_the_teacher_through_the_distillation():
    *teacher, clean, mixed = views()
    symmetric_distillation(tuple(teacher), (clean, mixed)).backward()
    assert all(logits.grad is None for logits in teacher)
    assert clean.grad.any() and mixed.grad.any()


def test_with_kappa_1_the_views_may_be_swapped():
    a, b, c, d = views()
    loss = symmetric_distillation((a, b), (c, d), 1.0)
    torch.testing.assert_close(symmetric_distillation((b, a), (d, c), 1.0), loss)
    assert not torch.allclose(symmetric_distillation((b, a), (c, d), 1.0), loss)


def test_with_kappa_0_only_the_mixed_view_learns_from_the_clean_one():
    a, b, c, d = views()
    loss = symmetric_distillation((a, b), (c, d), 0.0)
    loss.backward()
    torch.testing.assert_close(loss, soft_cross_entropy(a.softmax(1), d))
    assert not c.grad.any()


def clusters() -> tuple[torch.Tensor, torch.Tensor]:
    """Features 2x16xhxw that are their class's own direction, but for some noise, and the classes."""
    random = torch.Generator().manual_seed(0)
    label = torch.randint(6, (2, 12, 20), generator=random)
    features = 10 * torch.eye(16)[label].movedim(-1, 1)
    return features + 0.1 * torch.randn(features.shape, generator=random), label


def test_perfect_clusters_agree_with_the_classifier_everywhere():
    features, label = clusters()
    centroids = Centroids(6, 16)
    centroids.estimate(features, label)
    assert torch.equal(consensus(label, centroids.nearest(features)), label)


def test_random_centroids_accept_about_one_pixel_in_as_many_as_there_are_classes():
    random = torch.Generator().manual_seed(0)
    num_classes, shares = 10, []
    for _ in range(20):
        centroids = Centroids(num_classes, 8)
        centroids.vectors.copy_(torch.randn(num_classes, 8, generator=random))
        centroids.count.fill_(1)
        label = torch.randint(num_classes, (1, 40, 40), generator=random)
        agreed = consensus(label, centroids.nearest(torch.randn(1, 8, 40, 40, generator=random)))
        shares.append((agreed != IGNORE).float().mean())
    assert torch.stack(shares).mean().item() == pytest.approx(1 / num_classes, abs=0.01)


def test_a_pixel_keeps_its_pseudo_label_or_none():
    method, batch = made('diga', momentum=0.0)
    method(batch, 0)
    kept = method.watch['pseudo_label']
    assert ((kept == batch.target_label) | (kept == IGNORE)).all()
    expected = method.centroids.nearest(method._look(batch.target_image)[0], (HEIGHT, WIDTH))
    assert torch.equal(kept, batch.target_label.where(batch.target_label == expected, IGNORE))
    assert (kept == IGNORE).any() and (kept != IGNORE).any()


def test_the_mixed_image_is_clean_source_on_half_of_its_classes_with_the_labels_of_both_sides():
    method, batch = made('diga', beta=0.0)
    method(batch, 0)
    pasted = (method.watch['mixed_image'] == batch.source_image).all(1)
    target = (method.watch['mixed_image'] == batch.target_image).all(1)
    assert (pasted | target).all() and pasted.any() and target.any()
    label = method.watch['mixed_label']
    assert torch.equal(label[pasted], batch.source_label[pasted])
    assert torch.equal(label[~pasted], method.watch['pseudo_label'][~pasted])
    assert (batch.source_label[~pasted] != IGNORE).all()


def test_a_centroid_moves_by_the_momentum_and_only_for_five_agreeing_pixels():
    features, label = clusters()
    centroids = Centroids(6, 16)
    centroids.vectors.normal_()
    centroids.count.fill_(1)
    rare = torch.full_like(label[:1], IGNORE)
    rare[0, 0, :4], rare[0, 1, :5] = 1, 2
    before = centroids.vectors.clone()
    centroids.follow(features[:1], rare, momentum=1e-4)
    assert torch.equal(before[[0, 1, 3, 4, 5]], centroids.vectors[[0, 1, 3, 4, 5]])
    towards = features[0, :, 1, :5].mean(1) - before[2]
    moved = centroids.vectors[2] - before[2]
    assert moved.norm().item() == pytest.approx(1e-4 * towards.norm().item(), rel=2e-2)  # float32 near 1 ends at 1e-7
    torch.testing.assert_close(torch.cosine_similarity(moved, towards, 0), torch.tensor(1.0), rtol=0, atol=1e-3)


def test_the_moves_of_all_ranks_are_added(monkeypatch):
    features, label = clusters()
    alone, among_two = Centroids(6, 16), Centroids(6, 16)
    for centroids in (alone, among_two):
        centroids.count.fill_(1)
    alone.follow(features, label, 0.01)
    monkeypatch.setattr(distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(distributed, 'all_reduce', lambda tensor: tensor.mul_(2))
    among_two.follow(features, label, 0.01)
    torch.testing.assert_close(among_two.vectors, 2 * alone.vectors)


def seen_by(network: nn.Module, method: Method, image: torch.Tensor) -> torch.Tensor:
    """Logits of a network in the mode in which it is, as they enter the losses."""
    with torch.no_grad():
        return network(method.normalise(image), (HEIGHT, WIDTH))


@pytest.mark.parametrize('name', BOTH)
def test_the_losses_are_the_specification_s_term_by_term(name):
    """CE of the clean view only; T(x) teaches S(x_cd), and kappa times T(x_cd) teaches S(x); CE of the mixed image."""
    method, batch = made(name, l_d=0.3, kappa=0.4)
    losses = method(batch, 0)
    views = [batch.source_image, method.watch['crdomix_image']]
    clean, crossed = seen_by(method.student, method, torch.cat(views)).chunk(2)
    on_clean, on_crossed = (seen_by(method.teacher, method, view).softmax(1) for view in views)
    expected = {'source': cross_entropy(clean, batch.source_label),
                'distillation': 0.3 * (soft_cross_entropy(on_clean, crossed) + 0.4 * soft_cross_entropy(on_crossed, clean))}
    if name == 'diga':
        expected['mixed'] = cross_entropy(seen_by(method.student, method, method.watch['mixed_image']),
                                          method.watch['mixed_label'])
    assert {key: loss.item() for key, loss in losses.items()} == pytest.approx(
        {key: loss.item() for key, loss in expected.items()}, rel=1e-4)


def test_the_teacher_sees_the_target_by_the_target_s_own_batch_statistics():
    method, batch = made('diga', average={'batch_statistics': True})
    start, labels = tensors(method), []
    for image in (batch.source_image, 1 - batch.source_image):
        method.load_state_dict(start)
        method(replace(batch, source_image=image), 0)
        labels.append(method.watch['pseudo_label'])
    assert torch.equal(*labels)


def test_the_target_is_perturbed_in_the_mixed_image_and_the_source_is_not():
    method, batch = made('diga', perturbation={'jitter': 1.0})
    method(batch, 0)
    mixed = method.watch['mixed_image']
    pasted = (mixed == batch.source_image).all(1)
    changed = (mixed - batch.target_image).abs().amax(1)
    assert pasted.any() and not pasted.all()
    assert (changed[~pasted] > 1e-3).float().mean() > 0.9


def test_centroids_follow_the_target_and_the_mixture_where_label_and_prediction_agree():
    method, batch = made('diga', momentum=0.1)
    before = tensors(method.centroids)
    method(batch, 0)
    expected = Centroids(CLASSES, method.student.embedding_channels)
    expected.load_state_dict(before)
    for image, label in ((batch.target_image, method.watch['pseudo_label']),
                         (method.watch['crdomix_image'], batch.source_label)):
        embedding, logits = method._look(image)
        small = nn.functional.interpolate(label[:, None].float(), logits.shape[-2:], mode='nearest-exact')[:, 0].long()
        expected.follow(embedding, small.where(small == logits.argmax(1), IGNORE), 0.1)
    assert not torch.allclose(method.centroids.vectors, before['vectors'], atol=1e-4)
    torch.testing.assert_close(method.centroids.vectors, expected.vectors, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('ce', ['plain', 'ohem'])
@pytest.mark.parametrize('name', BOTH)
def test_a_crop_of_nothing_but_ignore_gives_loss_0(name, ce):
    method, batch = made(name, ce=ce, kd_valid_only=True)
    batch = replace(batch, source_label=torch.full_like(batch.source_label, IGNORE))
    losses = method(batch, 0)
    assert {key: loss.item() for key, loss in losses.items()} == dict.fromkeys(losses, 0.0)


def test_pixels_without_a_label_lower_the_loss_unless_it_is_the_mean_of_the_valid_ones():
    logits, label = torch.randn(1, 5, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64)
    half = label.clone()
    half[:, :4] = IGNORE
    for normalise, factor in (('all_pixels', 0.5), ('valid', 1.0)):
        method, _ = made('diga_warm_up', normalise=normalise)
        expected = factor * method._ce(logits[:, :, 4:], label[:, 4:])
        torch.testing.assert_close(method._ce(logits, half), expected)
    method, _ = made('diga_warm_up', ce='ohem')
    torch.testing.assert_close(method._ce(logits, half), ohem_cross_entropy(logits, half))


@pytest.mark.parametrize('adapt', [False, True])
def test_the_target_reaches_batch_norm_in_the_warm_up_only_if_asked_to(adapt):
    method, batch = made('diga_warm_up', bn_adapt_target=adapt)
    # Nothing but IGNORE: CrDoMix takes every pixel from the source, so the target has no other way in.
    batch = replace(batch, source_label=torch.full_like(batch.source_label, IGNORE))
    start, ends = tensors(method), []
    for target in (batch.target_image, 1 - batch.target_image):
        method.load_state_dict(start)
        torch.manual_seed(0)
        method(replace(batch, target_image=target), 0)
        ends.append(dict(tensors(method.student)))
    assert same(*ends) != adapt
    assert not same(start, {f'networks.student.{key}': tensor for key, tensor in ends[0].items()} | {
        key: tensor for key, tensor in start.items() if not key.startswith('networks.student.')})


def test_labels_and_centroids_come_from_the_student_as_it_starts_and_change_no_buffer():
    method, batch = made('diga')
    method.eval()
    with torch.no_grad():
        for parameter in method.student.parameters():  # first weights arrive after the method is made
            parameter.mul_(1.1)
    student, vectors = tensors(method.student), method.centroids.vectors.clone()
    with torch.no_grad():
        method.label_target(batch.target_image)
        method.centroids.count.zero_()
        method.prepare([batch.target_image])
        expected = Centroids(CLASSES, method.student.embedding_channels)
        features = method.student.forward_features(method.normalise(batch.target_image))
        embedding = method.student.forward_embedding(features)
        expected.estimate(embedding, method.student.forward_classifier(embedding).argmax(1))
    assert same(student, tensors(method.student)) and same(student, tensors(method.teacher))
    seen = expected.count > 0
    assert seen.any() and torch.equal(method.centroids.vectors[seen], expected.vectors[seen])
    assert not torch.equal(method.centroids.vectors, vectors)


def test_more_passes_give_the_same_centroids_while_few_images_are_counted():
    once, _ = made('diga')
    five, _ = made('diga', centroid_passes=5)
    torch.testing.assert_close(once.centroids.vectors, five.centroids.vectors, rtol=1e-4, atol=1e-6)
    assert torch.equal(5 * once.centroids.count, five.centroids.count)


def test_target_labels_are_of_the_greater_logits_at_full_and_at_half_size():
    method, batch = made('diga')
    method.eval()
    seen = []

    class Watching(nn.Module):
        multiple = 32

        def forward(self, image, size):
            seen.append(tuple(image.shape[-2:]))
            logits = torch.zeros(len(image), CLASSES, *size)
            logits[:, 2 if len(seen) == 1 else 4, :, 0 if len(seen) == 1 else 1:] = 1.0 + len(seen)
            return logits
    method.networks['student'] = Watching()
    label = method.label_target(batch.target_image)
    assert seen == [(96, 160), (64, 64)]  # 48 and 80 to the nearest multiples of 32, halves to even
    assert (label[:, :, 0] == 2).all() and (label[:, :, 1:] == 4).all()


@pytest.mark.parametrize('name', BOTH)
def test_a_translator_of_random_weights_and_a_missing_target_are_refused(name):
    with pytest.raises(ConfigError, match=r'random weights.*init'):
        made(name, restyle='translator', translator_width=4)
    method, batch = made(name)
    with pytest.raises(ConfigError, match=r'data\.target'):
        method(replace(batch, target_image=None), 0)

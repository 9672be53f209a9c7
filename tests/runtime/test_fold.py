import pytest
import torch
from torch import nn

from uda_seg_ros.runtime.fold import fold_norms, folded


class Odd(nn.Sequential):
    """A Sequential that does not run in sequence."""

    def forward(self, x):
        return self[1](x) + self[0](x)


def normed(channels, **settings):
    norm = nn.BatchNorm2d(channels, **settings)
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        if tensor is not None:
            nn.init.uniform_(tensor, 0.5, 2)
    return norm


CASES = {
    'plain': (lambda: nn.Sequential(nn.Conv2d(3, 3, 3, bias=False), normed(3), nn.ReLU()), 1),
    'with a bias': (lambda: nn.Sequential(nn.Conv2d(3, 3, 3), normed(3, eps=1e-3)), 1),
    'grouped and dilated': (lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3, dilation=2), normed(6)), 1),
    'nested': (lambda: nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 1), normed(3)), nn.Conv2d(3, 3, 1), normed(3)), 2),
    'norm without convolution': (lambda: nn.Sequential(normed(3), nn.Conv2d(3, 3, 1)), 0),
    'not in sequence': (lambda: Odd(nn.Conv2d(3, 3, 1), normed(3)), 0),
    'no affine': (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), normed(3, affine=False)), 0),
    'no statistics': (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), normed(3, track_running_stats=False)), 0),
}


@pytest.mark.parametrize('case', CASES)
def test_a_folded_network_computes_the_same(case):
    torch.manual_seed(0)
    make, num_folds = CASES[case]
    network, image = make().eval(), torch.randn(2, 3, 9, 9)
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        expected = network(image)
        pairs = fold_norms(network)
        network.load_state_dict(folded(tensors, pairs))
        assert len(pairs) == num_folds
        torch.testing.assert_close(network(image), expected, atol=1e-5, rtol=1e-5)


def test_the_tensors_handed_in_stay_as_they_are():
    network = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), normed(3))
    tensors = network.state_dict()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    folded(tensors, fold_norms(network))
    assert tensors.keys() == before.keys()
    assert all(torch.equal(tensors[name], before[name]) for name in before)

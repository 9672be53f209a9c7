"""Every transition that goes wrong is answered and told; none ends the process."""

from __future__ import annotations

import itertools

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import SetBool

from uda_seg_ros.ros.lifecycle import GuardedLifecycleNode, SetupError

from .node_process import DOMAIN

CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE = (getattr(Transition, f'TRANSITION_{name}') for name in (
    'CONFIGURE', 'CLEANUP', 'ACTIVATE', 'DEACTIVATE'))


NUMBERS = itertools.count()  # no node meets what is left of the one before


class Fragile(GuardedLifecycleNode):
    """Raises what it is told to, in the step it is told."""

    def __init__(self, step: str, error: Exception | None) -> None:
        self.breaking = {step: error}
        self.done: list[str] = []
        super().__init__(f'fragile_{next(NUMBERS)}')

    def _do(self, step: str) -> None:
        self.done.append(step)
        error = self.breaking.pop(step, None)
        if error is not None:
            raise error

    def configure(self) -> None:
        self._do('configure')

    def activate(self) -> None:
        self._do('activate')

    def deactivate(self) -> None:
        self._do('deactivate')

    def release(self) -> None:
        self._do('release')


@pytest.fixture
def fragile():
    """Make a fragile node in the default context."""
    nodes = []

    def make(step: str = '', error: Exception | None = None) -> Fragile:
        nodes.append(Fragile(step, error))
        return nodes[-1]
    rclpy.init(domain_id=DOMAIN)
    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize(('step', 'before', 'error', 'state', 'undone'), [
    ('configure', (), SetupError('no bundle'), 'unconfigured', 'release'),
    ('configure', (), RuntimeError('unforeseen'), 'unconfigured', 'release'),
    ('activate', ('configure',), SetupError('no camera'), 'inactive', 'deactivate'),
    ('activate', ('configure',), KeyError('unforeseen'), 'unconfigured', 'release'),
    ('deactivate', ('configure', 'activate'), OSError('unforeseen'), 'unconfigured', 'release'),
    ('release', ('configure',), OSError('unforeseen'), 'unconfigured', 'release'),
])
def test_an_exception_is_told_undone_and_answered(fragile, capfd, step, before, error, state, undone):
    node = fragile(step, error)
    for trigger in before:
        getattr(node, f'trigger_{trigger}')()
    result = getattr(node, f'trigger_{"cleanup" if step == "release" else step}')()
    assert result.name in ('FAILURE', 'ERROR')
    assert (node.state, node._state_machine.current_state[1]) == (state, state)
    assert node.done[-1] == undone
    log = capfd.readouterr().err
    assert str(error) in log
    assert ('Traceback' in log) == (not isinstance(error, SetupError))


def test_a_node_can_be_configured_again_after_an_exception(fragile):
    node = fragile('configure', RuntimeError('once'))
    assert not node.autostart()
    assert node.autostart()
    assert node.state == 'active'


def test_transitions_that_are_not_possible_now_are_refused_with_an_answer(fragile, peer, capfd):
    node, executor = fragile(), SingleThreadedExecutor()
    executor.add_node(node)
    client = peer.node.create_client(ChangeState, f'{node.get_name()}/change_state')
    peer.spin_until(lambda: executor.spin_once(timeout_sec=0.01) or client.service_is_ready())
    peer.spin_for(0.5)  # until the service knows the client, too
    for transition in (ACTIVATE, DEACTIVATE, CLEANUP, Transition.TRANSITION_CREATE, 99):
        future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        peer.spin_until(lambda: executor.spin_once(timeout_sec=0.01) or future.done(), 30)  # noqa: B023 -- done within
        assert future.result() is not None and not future.result().success
        assert f'transition {transition}: not possible while unconfigured' in capfd.readouterr().err
    assert node.state == 'unconfigured' and node.autostart()


def test_a_running_node_goes_through_its_life_and_refuses_what_it_cannot(peer, start):
    node = start(autostart=False, until='')

    def change(transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return peer.call(ChangeState, 'segmentation_node/change_state', request, 30).success

    def state() -> str:
        return peer.call(GetState, 'segmentation_node/get_state', GetState.Request()).current_state.label

    assert state() == 'unconfigured'
    assert not peer.call(SetBool, 'segmentation_node/enable', SetBool.Request(data=True)).success
    for transition, possible, then in ((ACTIVATE, False, 'unconfigured'), (CONFIGURE, True, 'inactive'),
                                       (CONFIGURE, False, 'inactive'), (ACTIVATE, True, 'active'),
                                       (CLEANUP, False, 'active'), (DEACTIVATE, True, 'inactive'),
                                       (ACTIVATE, True, 'active'), (DEACTIVATE, True, 'inactive'),
                                       (CLEANUP, True, 'unconfigured'), (CONFIGURE, True, 'inactive')):
        assert (change(transition), state()) == (possible, then), node.log()
    assert node.end() == 0
    assert 'Traceback' not in node.log()
    assert node.log().count('loading PyTorch') > node.log().count('vision_msgs is not installed')


def test_the_fall_back_to_the_cpu_is_warned_of_unless_it_was_asked_for(start):
    torch = pytest.importorskip('torch')
    for device, warned in (('auto', not torch.cuda.is_available()), ('cpu', False)):
        node = start(device=device)
        assert any('[WARN]' in line and 'no CUDA device' in line for line in node.log().splitlines()) == warned
        node.end()

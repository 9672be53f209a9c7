"""The interface reference: written anew it is the same, and a running node has just what it names."""

from __future__ import annotations

import importlib.util

import pytest

from uda_seg_ros.ros.interface_reference import SUBSCRIBED, outputs, page, services, type_name

from .node_process import ROOT

OF_EVERY_NODE = ('/rosout', '/parameter_events', '/segmentation_node/transition_event', '/clock')


@pytest.fixture(scope='module')
def told(shared_peer, start_shared, tmp_path_factory):
    """Names and types that the graph tells of a node with everything on."""
    start_shared(publish_entropy=True, lazy=False, **{
        'points.topic': '/points_topic', 'adaptation.enabled': True,
        'adaptation.method': 'tests.online.workers.standin:Standin', 'adaptation.backend': 'process',
        'adaptation.checkpoint_dir': tmp_path_factory.mktemp('checkpoints')})
    node = shared_peer.node

    def names(asked) -> dict[str, str]:
        return {name: kinds[0] for name, kinds in asked('segmentation_node', '/') if name not in OF_EVERY_NODE}
    shared_peer.spin_until(lambda: '/points_topic' in names(node.get_subscriber_names_and_types_by_node))
    return {'published': names(node.get_publisher_names_and_types_by_node),
            'subscribed': names(node.get_subscriber_names_and_types_by_node),
            'services': names(node.get_service_names_and_types_by_node)}


def full(name: str) -> str:
    """The name that the graph tells."""
    if name == '<points.topic>':
        return '/points_topic'
    return name.replace('~', '/segmentation_node') if name[0] in '~/' else f'/{name}'


def test_the_page_in_the_repository_is_what_the_command_prints():
    assert (ROOT / 'docs' / 'interface.md').read_text(encoding='utf-8') == page()


def test_the_node_publishes_just_what_the_page_names(told):
    expected = {full(name): type_name(kind) for name, kind, _ in outputs()}
    if importlib.util.find_spec('vision_msgs') is None:
        expected = {name: kind for name, kind in expected.items() if not kind.startswith('vision_msgs')}
    assert told['published'] == expected


def test_the_node_subscribes_to_just_what_the_page_names(told):
    expected = {full(name): type_name(kind) for name, kind, _ in SUBSCRIBED if name != 'image/compressed'}
    assert told['subscribed'] == expected


def test_the_node_has_just_the_services_that_the_page_names_and_those_of_every_node(told):
    own = {name: kind for name, kind in told['services'].items() if kind.startswith('std_srvs/')}
    assert own == {full(name): type_name(kind) for name, kind, _ in services()}

"""The interface reference, written from the code: python -m uda_seg_ros.ros.interface_reference > docs/interface.md"""

from __future__ import annotations

from collections.abc import Iterator

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Float32
from std_srvs.srv import SetBool, Trigger

from .adaptation_services import TRIGGERS
from .outputs import OUTPUTS
from .parameters import TABLE, Setting

HEAD = '''# The node's interface

`segmentation_node`, a lifecycle node. This page is written from the code by
`python -m uda_seg_ros.ros.interface_reference > docs/interface.md`. All names are relative to the node's namespace. With the
parameter `cameras`, what begins with `image`, `camera_info` or `segmentation/` is there once for each camera, behind
`<camera>/`.
'''
# Topics that no table of the code holds: name, type, meaning.
SUBSCRIBED = (
    ('image', Image, 'The camera, in any usual encoding; `image_transport:=raw`. Remap it to your topic.'),
    ('image/compressed', CompressedImage, 'With `image_transport:=compressed`; a sibling of the remapped `image`.'),
    ('camera_info', CameraInfo, 'A sibling of the remapped `image`; optional, never waited for.'),
    ('<points.topic>', PointCloud2, 'Clouds to label; only with the parameter `points.topic`, while somebody subscribes.'),
)
PUBLISHED = (
    ('segmentation/camera_info', CameraInfo, 'The geometry of the camera, scaled to the mask.'),
    ('segmentation/points', PointCloud2, 'x, y, z, rgb (of the class), label (uint32, 255 = unlabelled or not in the '
     "picture), confidence (0..1); header and order are the cloud's. With `points.topic`."),
    ('segmentation/label_info', 'vision_msgs/msg/LabelInfo', 'Class names, latched; where vision_msgs is installed.'),
    ('segmentation/vision_info', 'vision_msgs/msg/VisionInfo', 'Network and version of its weights, latched; likewise.'),
    ('~/adaptation/status', DiagnosticStatus, 'What the learner does and why, once a second; with `adaptation.enabled`.'),
    ('~/debug/processing_time_ms', Float32, 'Of the worker, for the frame.'),
    ('~/debug/pipeline_latency_ms', Float32, 'From the arrival of an image to its published mask.'),
    ('/diagnostics', DiagnosticArray, 'Inputs, points, inference, outputs, model, adaptation; `diagnostic_updater.period`.'),
)
SERVICES = (
    ('enable', SetBool, 'false: frames are received and dropped.'),
    ('pause_adaptation', SetBool, 'true: the weights that are served stay as they are.'),
    ('reset_adaptation', Trigger, 'The frozen weights come back, and everything learned is forgotten.'),
    ('rollback', Trigger, 'The weights of before come back.'),
    ('save_checkpoint', Trigger, 'Saves the adapted weights; the answer names the file.'),
    ('load_checkpoint', Trigger, 'Takes up the file that the parameter `checkpoint` names.'),
)


def type_name(kind: type | str) -> str:
    """'sensor_msgs/msg/Image' of the class."""
    if isinstance(kind, str):
        return kind
    package, folder = kind.__module__.split('.')[:2]
    return f'{package}/{folder}/{kind.__name__}'


def outputs() -> Iterator[tuple[str, type | str, str]]:
    """Every topic that is published, with type and meaning."""
    for name, (kind, switch, _, meaning) in OUTPUTS.items():
        yield f'segmentation/{name}', kind, meaning + (f' Offered while `{switch}` is true.' if switch else '')
    yield from PUBLISHED


def services() -> Iterator[tuple[str, type, str]]:
    """Every service of the node's own. Raises KeyError if the code has one that is not described."""
    described = {name: (f'~/{name}', kind, meaning) for name, kind, meaning in SERVICES}
    yield from (described[name] for name in ('enable', 'pause_adaptation', *TRIGGERS))


def page() -> str:
    """The whole reference, in Markdown."""
    sections = (
        ('Topics it subscribes to', ('topic', 'type', 'meaning'), [_row(*row) for row in SUBSCRIBED]),
        ('Topics it publishes', ('topic', 'type', 'meaning'), [_row(*row) for row in outputs()]),
        ('Services', ('service', 'type', 'meaning'), [_row(*row) for row in services()]),
        ('Parameters', ('parameter', 'type', 'default', 'possible', 'changes', 'meaning'), [_parameter(s) for s in TABLE]))
    return HEAD + ''.join(f'\n## {title}\n\n{_table(head, rows)}{NOTES.get(title, "")}' for title, head, rows in sections)


NOTES = {
    'Topics it publishes': '''
What nobody subscribes to is not computed (`lazy`). Images, camera info and points are reliable, keep last `queue_depth`,
volatile (`output_reliability`, `qos_overrides./<topic>.publisher.*`). The header of every image is the camera's.
''',
    'Services': '''
Those of every lifecycle node (`~/change_state`, `~/get_state`, ...) and of parameters are there too.
''',
    'Parameters': '''
"Running" ones take effect at the next frame (`ros2 param set`). The others are read when the node is configured; a change
is refused until it is cleaned up.
'''}


def _row(name: str, kind: type | str, meaning: str) -> tuple[str, str, str]:
    return f'`{name}`', f'`{type_name(kind)}`', meaning


def _parameter(setting: Setting) -> tuple[str, ...]:
    kind = {tuple: 'list of texts', str: 'text', bool: 'bool', int: 'int', float: 'float'}[type(setting.default)]
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    shown = str(default).lower() if kind == 'bool' else f"'{default}'" if kind == 'text' else str(default)
    possible = ', '.join(setting.choices)
    if setting.low is not None:
        possible = f'{setting.low} to {setting.high}' + (f', multiples of {setting.step}' if setting.step else '')
    changes = 'running' if setting.dynamic else 'configuring'
    return f'`{setting.name}`', kind, f'`{shown}`', possible, changes, setting.description.replace('<', '\\<')


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ('---',) * len(head), *rows]
    return ''.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in line) + ' |\n' for line in lines)


if __name__ == '__main__':
    print(page(), end='')

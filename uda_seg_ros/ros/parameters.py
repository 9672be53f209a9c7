"""The node's parameters: one table, and the object that declares, checks and holds them.

A dynamic parameter takes effect at the next frame. Every other one is read when the node is configured, and a change is
refused while it is (deactivate and clean up first), because a value that shows but does nothing misleads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_full_topic_name import validate_full_topic_name

from ..config import nearest
from ..points.rigid import parse_rigid


class ParameterError(ValueError):
    """A parameter file or a command line gives a parameter a value that it cannot have. The text says which and why."""


@dataclass(frozen=True)
class Setting:
    """One row of the table. The type is the default's; a tuple stands for a list of texts.

    low, high, step: the range of a number, both ends possible. choices: the texts that are possible, () for any.
    """

    name: str
    default: bool | int | float | str | tuple[str, ...]
    description: str
    low: float | None = None
    high: float | None = None
    step: int = 0
    choices: tuple[str, ...] = ()
    dynamic: bool = False


TABLE = tuple(Setting(name, default, description, **more) for name, default, description, more in (
    ('autostart', True, 'Configure and activate by itself; false leaves that to a lifecycle manager.', {}),
    ('model', '', "Folder of the bundle to run ('~' is the home folder); empty or 'default' is the bundle shipped.", {}),
    ('device', 'auto', 'Where the network runs: auto (CUDA if there is one), cpu, cuda or cuda:N.', {}),
    ('half', False, 'Run the network in half precision (fp16 on CUDA, bf16 on a CPU).', {}),
    ('imgsz_height', 0, "Height of the network's input in pixels; 0 takes the bundle's.",
     {'low': 0, 'high': 8192, 'step': 32}),
    ('imgsz_width', 0, "Width of the network's input in pixels; 0 takes the bundle's.",
     {'low': 0, 'high': 8192, 'step': 32}),
    ('threads', 1, 'Threads that the network may use on a CPU.', {'low': 1, 'high': 256}),
    ('output_size', 'input', 'Size of all outputs: input (as the image), network (as its logits) or WxH in pixels.',
     {'dynamic': True}),
    ('classes_file', '', "YAML file 'classes: [{id, name, color}]' that renames or recolours classes; empty for none.", {}),
    ('threshold', 0.0, 'Pixels whose confidence is below it become unlabelled (255).',
     {'low': 0.0, 'high': 1.0, 'dynamic': True}),
    ('overlay_alpha', 0.5, 'Weight of the colour in the overlay: 0 shows the image, 1 the colour mask.',
     {'low': 0.0, 'high': 1.0, 'dynamic': True}),
    ('publish_overlay', True, 'Offer segmentation/overlay.', {'dynamic': True}),
    ('publish_color_mask', True, 'Offer segmentation/color_mask.', {'dynamic': True}),
    ('publish_confidence', True, 'Offer segmentation/confidence.', {'dynamic': True}),
    ('publish_entropy', False, 'Offer segmentation/entropy.', {'dynamic': True}),
    ('confidence_encoding', 'mono8', 'Encoding of the confidence: mono8 (0..255, what Nav2 reads) or 32FC1 (0..1).',
     {'choices': ('mono8', '32FC1'), 'dynamic': True}),
    ('lazy', True, 'Compute and publish only what somebody subscribes to.', {'dynamic': True}),
    ('label_info_period', 0.0, 'Publish the class names again after so many seconds; 0 only when they change.',
     {'low': 0.0, 'high': 3600.0, 'dynamic': True}),
    ('cameras', (), 'Names of several cameras: <name>/image to <name>/segmentation/...; empty for one without a name.', {}),
    ('max_batch', 1, 'Frames of different cameras that go through the network together.', {'low': 1, 'high': 16}),
    ('image_transport', 'raw', 'What to subscribe to: raw (image) or compressed (image/compressed).',
     {'choices': ('raw', 'compressed')}),
    ('input_reliability', 'auto', 'Reliability asked of the camera: auto (reliable if all its publishers offer that).',
     {'choices': ('auto', 'best_effort', 'reliable')}),
    ('output_reliability', 'reliable', 'Reliability offered by the image outputs.',
     {'choices': ('best_effort', 'reliable')}),
    ('queue_depth', 1, 'Depth of the queues of images, in and out.', {'low': 1, 'high': 100}),
    ('max_rate', 0.0, 'Segment at most so many frames a second of each camera; 0 for no limit.',
     {'low': 0.0, 'high': 1000.0, 'dynamic': True}),
    ('max_age', 0.0, 'Drop frames whose stamp is older than so many seconds; 0 drops none.',
     {'low': 0.0, 'high': 3600.0, 'dynamic': True}),
    ('start_enabled', True, 'Segment from the start; false waits for the service ~/enable.', {}),
    ('points.topic', '',
     "Point clouds to label on segmentation/points; '{camera}' in it is the camera's name; empty for none.", {}),
    ('points.tolerance', 0.05, 'Seconds that the stamps of a cloud and of its image may differ.',
     {'low': 0.0, 'high': 10.0, 'dynamic': True}),
    ('points.extrinsics', '',
     "From the cloud's frame to the camera's optical one: 'x y z qx qy qz qw' (m); empty asks TF.", {}),
    ('adaptation.enabled', False, 'Learn from what the cameras see, and serve the weights that prove better.', {}),
    ('adaptation.method', 'agoa', "What learns: agoa (anchor-gated online adaptation), or 'module:name' of your own.", {}),
    ('adaptation.backend', 'auto', 'Where the learner runs: auto (thread on CUDA, process on a CPU), thread or process.',
     {'choices': ('auto', 'thread', 'process')}),
    ('adaptation.rank', 'idle', "Of the learner's process: idle (gets only what nobody else wants), nice or normal.",
     {'choices': ('idle', 'nice', 'normal')}),
    ('adaptation.give_way', 'auto',
     "Have the learner's process stand still for each frame; auto: where there are fewer than 4 processors.",
     {'choices': ('auto', 'always', 'never')}),
    ('adaptation.max_duty', 0.0, 'Share of the time that the learner may compute; 0 is 0.25 on CUDA, 1 on a CPU.',
     {'low': 0.0, 'high': 1.0}),
    ('adaptation.settings_file', '', 'YAML file of settings of the method; empty for the defaults.', {}),
    ('adaptation.use_cameras', (), 'Names of the cameras whose frames are learned from; empty for all.', {}),
    ('adaptation.checkpoint_dir', '', 'Folder of adapted weights; empty is uda_seg_ros/<node> in $ROS_HOME or ~/.ros.', {}),
    ('adaptation.autosave_period', 60.0, 'Seconds between two savings of what was learned; 0: no saving, no resuming.',
     {'low': 0.0, 'high': 86400.0}),
    ('adaptation.resume', True, 'Take saved weights up at the start if they grew from this network.', {}),
    ('checkpoint', '', 'File that ~/load_checkpoint loads; empty is the one saved by itself.', {'dynamic': True}),
    ('diagnostic_updater.period', 1.0, 'Seconds between two messages on /diagnostics.', {'low': 0.1, 'high': 3600.0}),
))
SETTINGS = {setting.name: setting for setting in TABLE}
KINDS = {bool: (Parameter.Type.BOOL, 'true or false'), int: (Parameter.Type.INTEGER, 'a whole number'),
         float: (Parameter.Type.DOUBLE, 'a number'), str: (Parameter.Type.STRING, 'a text'),
         tuple: (Parameter.Type.STRING_ARRAY, 'a list of texts')}


def descriptor(setting: Setting) -> ParameterDescriptor:
    """What tools show of the parameter, and the range that rclpy enforces."""
    when = 'takes effect at the next frame' if setting.dynamic else 'read when the node is configured'
    limits = f'one of {", ".join(setting.choices)}; ' if setting.choices else ''
    # An empty list has no type in rclpy, so that the list is left untyped there and checked here.
    result = ParameterDescriptor(name=setting.name, type=KINDS[type(setting.default)][0].value,
                                 description=setting.description, additional_constraints=limits + when,
                                 dynamic_typing=isinstance(setting.default, tuple))
    if isinstance(setting.default, float):
        result.floating_point_range = [FloatingPointRange(from_value=setting.low, to_value=setting.high)]
    elif setting.low is not None:
        result.integer_range = [IntegerRange(from_value=setting.low, to_value=setting.high, step=setting.step)]
    return result


def convert(setting: Setting, value: Any) -> Any:
    """The value in the type of the setting, a whole number for a float too. Raises ParameterError."""
    kind = type(setting.default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind is tuple and (value is None or isinstance(value, Sequence)) and not isinstance(value, str):
        value = tuple(text for text in value or () if text != '')
        if not all(isinstance(text, str) for text in value):
            raise ParameterError(f'parameter {setting.name}: expected {KINDS[kind][1]}, got {list(value)!r}')
    if type(value) is not kind:
        raise ParameterError(f'parameter {setting.name}: expected {KINDS[kind][1]}, got {value!r}')
    _check_limits(setting, value)
    return value


def _check_limits(setting: Setting, value: Any) -> None:
    name = f'parameter {setting.name}'
    if setting.low is not None and not setting.low <= value <= setting.high:
        raise ParameterError(f'{name}: {value} is out of range, possible: {setting.low} to {setting.high}')
    if setting.step and value % setting.step:
        raise ParameterError(f'{name}: {value} is not a multiple of {setting.step}')
    if setting.choices and value not in setting.choices:
        raise ParameterError(f'{name}: {value!r} is not possible{nearest(value, setting.choices)}; '
                             f'possible: {", ".join(setting.choices)}')
    if setting.name == 'output_size' and value not in ('input', 'network'):
        from ..runtime.engine import parse_output_size  # imports torch, which takes its time
        try:
            parse_output_size(value)
        except ValueError as error:
            raise ParameterError(f'{name}: {error}') from error
    if setting.name == 'cameras':
        _check_cameras(name, value)
    if setting.name.startswith('points.') and value != '':
        _check_points(name, value)


def _check_points(name: str, value: str | float) -> None:
    try:
        if name.endswith('topic'):
            validate_full_topic_name(expand_topic_name(value.replace('{camera}', 'camera'), 'node', '/'))
        elif name.endswith('extrinsics'):
            parse_rigid(value)
    except (InvalidTopicNameException, ValueError) as error:
        raise ParameterError(f'{name}: {" ".join(str(error).split())}') from error


def _check_cameras(name: str, cameras: tuple[str, ...]) -> None:
    if len(set(cameras)) != len(cameras):
        raise ParameterError(f'{name}: a name stands twice in {list(cameras)}')
    for camera in cameras:
        try:
            validate_full_topic_name('/' + f'{camera}/image'.lstrip('/'))
        except InvalidTopicNameException as error:
            reason = str(error).splitlines()[0]
            raise ParameterError(f'{name}: {camera!r} cannot begin the names of topics: {reason}') from error


class Parameters:
    """The node's parameters by name: `parameters['threshold']`. Set in the executor's thread, read in any.

    is_configured: asked when a parameter that is not dynamic is to change. on_change: called with the names that changed,
    after the new values hold. given: the names of all parameters set from outside, known or not.
    """

    def __init__(self, node: Node, is_configured: Callable[[], bool], on_change: Callable[[set[str]], None]) -> None:
        """Declare every parameter of the table. Raises ParameterError for a value given from outside that cannot be."""
        self._is_configured, self._on_change = is_configured, on_change
        overrides = getattr(node, '_parameter_overrides', {})  # rclpy tells only declared ones in public
        self.given = frozenset(overrides)
        self._values = {}
        for setting in TABLE:
            given = overrides.get(setting.name)
            value = convert(setting, setting.default if given is None else given.value)
            self._values[setting.name] = value
            shown = Parameter(setting.name, KINDS[type(value)][0], list(value) if isinstance(value, tuple) else value)
            node.declare_parameter(setting.name, shown.value, descriptor(setting), ignore_override=True)
        self._warn_of_unknown(node, overrides)
        node.add_on_set_parameters_callback(self._set)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    @staticmethod
    def _warn_of_unknown(node: Node, overrides: dict[str, Any]) -> None:
        for name in overrides:
            if not node.has_parameter(name) and not name.startswith('qos_overrides.'):
                node.get_logger().warning(f'parameter {name!r} is not known and has no effect{nearest(name, SETTINGS)}')

    def _set(self, parameters: list[Parameter]) -> SetParametersResult:
        changed = {}
        try:
            for parameter in parameters:
                if parameter.name in SETTINGS:
                    changed[parameter.name] = self._checked(SETTINGS[parameter.name], parameter.value)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        # A new mapping in one assignment: a reader in another thread sees all of the change or nothing of it.
        self._values = {**self._values, **changed}
        self._on_change(set(changed))
        return SetParametersResult(successful=True)

    def _checked(self, setting: Setting, value: Any) -> Any:
        value = convert(setting, value)
        if not setting.dynamic and value != self._values[setting.name] and self._is_configured():
            raise ParameterError(f'parameter {setting.name}: read when the node is configured; deactivate and clean up the '
                                 'node first')
        return value

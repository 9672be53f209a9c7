"""Start the segmentation node: ros2 launch uda_seg_ros segment.launch.py image_topic:=/camera/image_raw

An argument that is given beats the parameter file; one that is not leaves the parameter to the file.
"""

import os
from difflib import get_close_matches
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration, TextSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

CONFIG = Path(__file__).resolve().parent.parent / 'config'
BOOL = ['true', 'false']
UNSET = ''
RVIZ = ['overlay', 'color_mask', 'entropy', 'points', 'camera_info']  # what segment.rviz shows, and what that stands on

# Arguments that are parameters of the node, by the same name but for NAMES: type, meaning, and what is possible. Typed,
# because an argument is read as YAML: threshold:=1 would arrive as a whole number, and the node wants a fraction.
PARAMETERS = {
    'model': (str, "Folder of the bundle to run; 'default' is the one shipped.", None),
    'device': (str, 'auto, cpu, cuda or cuda:N.', None),
    'half': (bool, 'Half precision.', BOOL),
    'imgsz_height': (int, "Height of the network's input in pixels, a multiple of 32; 0 takes the bundle's.", None),
    'imgsz_width': (int, "Width of the network's input in pixels, a multiple of 32; 0 takes the bundle's.", None),
    'threshold': (float, 'Pixels of less confidence (0 to 1) become unlabelled.', None),
    'output_size': (str, 'Size of the outputs: input, network or WxH.', None),
    'image_transport': (str, 'raw or compressed.', ['raw', 'compressed']),
    'input_reliability': (str, 'Reliability asked of the camera.', ['auto', 'best_effort', 'reliable']),
    'cameras': (list[str], "Names of several cameras, such as '[front, left]'.", None),
    'points': (str, 'Topic of point clouds to label on segmentation/points: the parameter points.topic.', None),
    'adapt': (bool, 'Learn from what the cameras see: the parameter adaptation.enabled.', BOOL),
    'autostart': (bool, 'Configure and activate by itself; false leaves that to a lifecycle manager.', BOOL),
    'use_sim_time': (bool, 'Take the time from /clock; set by itself when a bag is played.', BOOL),
}
NAMES = {'adapt': 'adaptation.enabled', 'points': 'points.topic'}  # where argument and parameter differ
# All others: default, meaning, and what is possible.
ARGUMENTS = {
    'image_topic': ('/camera/image_raw', "Topic of the images; '{camera}' in it is each name of several cameras.", None),
    'input_image_topic': (UNSET, 'Another name of image_topic; wins where given.', None),
    'camera_info_topic': (UNSET, 'Topic of the camera info; empty is the sibling of the image topic.', None),
    'namespace': (UNSET, 'Namespace of the node and its topics.', None),
    'node_name': ('segmentation_node', 'Name of the node.', None),
    'params_file': (str(CONFIG / 'segment.yaml'), 'File with the parameters.', None),
    'bag': (UNSET, 'A bag to play as soon as the node is active.', None),
    'rate': ('1.0', 'Speed of playing the bag, 1.0 is real time.', None),
    'loop': ('false', 'Play the bag again at its end.', BOOL),
    'rviz': ('false', 'Open RViz on the outputs; of several cameras, on those of the first.', BOOL),
    'respawn': ('false', 'Start the node again when it ends.', BOOL),
    'log_level': ('info', 'debug, info, warn, error or fatal.', ['debug', 'info', 'warn', 'error', 'fatal']),
}


def generate_launch_description() -> LaunchDescription:
    declared = {**{name: (UNSET, *row[1:]) for name, row in PARAMETERS.items()}, **ARGUMENTS}
    return LaunchDescription([
        *(_declare(name, *row) for name, row in declared.items()), *_transport(), OpaqueFunction(function=_start)])


def _declare(name: str, default: str, description: str, choices: 'list[str] | None') -> DeclareLaunchArgument:
    if choices is not None and default == UNSET:
        choices = [*choices, UNSET]
    if name in PARAMETERS:
        description += ' Empty leaves it to the parameter file.'
    return DeclareLaunchArgument(name, default_value=default, description=description, choices=choices)


def _transport() -> list:
    """Give Fast DDS room for whole images in shared memory, unless the user has set up the transport already."""
    middleware = os.environ.get('RMW_IMPLEMENTATION') or 'rmw_fastrtps_cpp'
    old, new = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
    if not middleware.startswith('rmw_fastrtps') or any(map(os.environ.get, (old, new, 'FASTDDS_BUILTIN_TRANSPORTS'))):
        return []
    name = old if os.environ.get('ROS_DISTRO', 'jazzy') in ('humble', 'iron', 'jazzy') else new  # Fast DDS 3 renamed it
    return [SetEnvironmentVariable(name, str(CONFIG / 'fastdds.xml'))]


def _start(context: LaunchContext) -> list:
    values = {name: LaunchConfiguration(name).perform(context) for name in (*PARAMETERS, *ARGUMENTS)}
    if values['bag'] and values['use_sim_time'] == UNSET:
        values['use_sim_time'] = 'true'
    for hint in _misspelt(context.argv):
        get_logger('segment.launch.py').warning(hint)
    texts = {name: _checked(name, values[name], row[0]) for name, row in PARAMETERS.items() if values[name] != UNSET}
    given = {NAMES.get(name, name): ParameterValue([TextSubstitution(text=text)], value_type=PARAMETERS[name][0])
             for name, text in texts.items()}
    node = LifecycleNode(  # which, unlike Node, tells launch when it is active
        package='uda_seg_ros', executable='segmentation_node', name=values['node_name'], namespace=values['namespace'],
        parameters=[ParameterFile(values['params_file'], allow_substs=True), given], remappings=_remappings(values, given),
        respawn=values['respawn'] == 'true', respawn_delay=2.0, output='screen',
        arguments=['--ros-args', '--log-level', values['log_level']])
    before = []  # the node comes last: launch ends at an RViz that is not installed, and would leave the node behind
    if values['rviz'] == 'true':
        before.append(_rviz('/'.join(filter(None, (values['namespace'].strip('/'), *_names(values['cameras'])[:1])))))
    if values['bag']:
        before.append(RegisterEventHandler(OnStateTransition(
            goal_state='active', entities=[_player(values)], handle_once=True)))
    return [*before, node]


def _player(values: 'dict[str, str]') -> ExecuteProcess:
    # A read-ahead queue that runs dry makes the player skip; in its delay node and player find each other.
    play = ['ros2', 'bag', 'play', values['bag'], '--clock', '100', '--rate', values['rate'],
            '--read-ahead-queue-size', '2000', '--delay', '2', *(['--loop'] if values['loop'] == 'true' else [])]
    return ExecuteProcess(cmd=play, output='screen')


def _misspelt(words: 'list[str]') -> 'list[str]':
    """Hints for names that are nearly ours: launch takes any without a word. The others may be a parent's."""
    known, hints = [*PARAMETERS, *ARGUMENTS], []
    for name, given, _ in (word.partition(':=') for word in words):
        near = get_close_matches(name, known, 1) if given and name not in known else []
        hints += [f"there is no argument '{name}': did you mean '{other}'?" for other in near]
    return hints


def _checked(name: str, text: str, kind: type) -> str:
    """The text as launch_ros reads it for the type; an error names the argument."""
    if kind not in (int, float):
        return text if kind in (str, bool) else str(_names(text))
    try:
        kind(text)
    except ValueError:
        raise ValueError(f'{name}:={text} is not a {"whole " if kind is int else ""}number') from None
    return text


def _remappings(values: 'dict[str, str]', given: dict) -> 'list[tuple[str, str]]':
    """From the node's own topics to the user's, for each camera if there are several."""
    image, info = values['input_image_topic'] or values['image_topic'], values['camera_info_topic']
    if 'cameras' not in given:
        return [('image', image), *([('camera_info', info)] if info else [])]
    return [(f'{camera}/{name}', topic.replace('{camera}', camera))
            for camera in _names(values['cameras'])
            for name, topic in (('image', image), ('camera_info', info)) if '{camera}' in topic]


def _names(cameras: str) -> 'list[str]':
    """'[front, left]' or 'front,left' as a list."""
    names = (name.strip() for name in cameras.strip('[] ').replace('"', '').replace("'", '').split(','))
    return [name for name in names if name]


def _rviz(namespace: str) -> Node:
    """RViz on the outputs of the first camera, which it knows by their names without a namespace."""
    topics = [f'/segmentation/{name}' for name in RVIZ] if namespace else []
    return Node(package='rviz2', executable='rviz2', name='rviz2', arguments=['-d', str(CONFIG / 'segment.rviz')],
                remappings=[(topic, f'/{namespace}{topic}') for topic in topics])

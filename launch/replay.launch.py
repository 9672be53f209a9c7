"""Play a bag and look at its masks: ros2 launch uda_seg_ros replay.launch.py bag:=PATH image_topic:=/camera/image_raw

Takes every argument of segment.launch.py too. What a bag holds is listed by `ros2 bag info PATH`.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

SEGMENT = Path(__file__).resolve().parent / 'segment.launch.py'
BOOL = ['true', 'false']
ARGUMENTS = {
    'bag': (None, 'The bag to play: a folder, or a file.', None),
    'rate': ('1.0', 'Speed of playing, 1.0 is real time.', None),
    'loop': ('false', 'Begin again at the end.', BOOL),
    'rviz': ('true', 'Open RViz on overlay and colour mask.', BOOL),
}


def generate_launch_description() -> LaunchDescription:
    declared = [DeclareLaunchArgument(name, default_value=default, description=description, choices=choices)
                for name, (default, description, choices) in ARGUMENTS.items()]
    return LaunchDescription([*declared, OpaqueFunction(function=_start)])


def _start(context: LaunchContext) -> list:
    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    # A read-ahead queue that runs dry makes the player skip; topics wait until the node, which loads torch, listens.
    play = ['ros2', 'bag', 'play', values['bag'], '--clock', '100', '--rate', values['rate'],
            '--read-ahead-queue-size', '2000', '--delay', '5', *(['--loop'] if values['loop'] == 'true' else [])]
    node = IncludeLaunchDescription(PythonLaunchDescriptionSource(str(SEGMENT)), launch_arguments={
        'bag': '', 'use_sim_time': 'true', 'rviz': values['rviz']}.items())
    # The node first: it sets up the transport that the player is to use as well.
    return [node, ExecuteProcess(cmd=play, output='screen')]

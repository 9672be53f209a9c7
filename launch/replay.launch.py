"""Play a bag and look at its masks: ros2 launch uda_seg_ros replay.launch.py bag:=PATH image_topic:=/camera/image_raw

segment.launch.py with a bag and RViz; takes every argument of that. What a bag holds is listed by `ros2 bag info PATH`.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

SEGMENT = Path(__file__).resolve().parent / 'segment.launch.py'
ARGUMENTS = {  # where the default is another
    'bag': (None, 'The bag to play: a folder, or a file.', None),
    'rviz': ('true', 'Open RViz on overlay and colour mask.', ['true', 'false']),
}


def generate_launch_description() -> LaunchDescription:
    declared = [DeclareLaunchArgument(name, default_value=default, description=description, choices=choices)
                for name, (default, description, choices) in ARGUMENTS.items()]
    return LaunchDescription([*declared, IncludeLaunchDescription(PythonLaunchDescriptionSource(str(SEGMENT)))])

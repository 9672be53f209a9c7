"""A drive through the real node, in a process of its own, over DDS, once frozen and once adapting; both are shown.

    python -m uda_seg_ros.ros.demo --input DRIVE --out FOLDER
"""

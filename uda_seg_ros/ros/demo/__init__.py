"""A drive through the real node, in a process of its own, over DDS: frames played at their rate, masks collected, all shown.

    python -m uda_seg_ros.ros.demo --input DRIVE --out FOLDER
"""

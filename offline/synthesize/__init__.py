"""Procedural drives written down: pictures and labels, a rosbag2, arrays. What they show: uda_seg_ros/procedural."""

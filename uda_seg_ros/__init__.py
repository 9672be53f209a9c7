"""Semantic segmentation of ROS 2 camera topics."""

__version__ = '0.1.0'

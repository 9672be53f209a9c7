"""The package on ROS 2. This folder alone (and launch/) imports ROS."""

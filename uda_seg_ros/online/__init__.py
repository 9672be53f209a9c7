"""Adaptation while driving. `adapter` is the whole of it without processes, threads or ROS; none of it runs unasked."""

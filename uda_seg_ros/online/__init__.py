"""Adaptation while driving. `adapter` is the whole of it, without processes, threads or ROS; nothing runs unasked."""

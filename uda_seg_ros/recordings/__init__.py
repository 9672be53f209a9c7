"""What was recorded on a drive, read without ROS: bags, videos, folders of pictures."""


class RecordingError(ValueError):
    """A recording cannot be read, or lacks what is asked of it. The text says which, and what is there or what to do."""

"""The error of this room."""


class StreamError(ValueError):
    """A benchmark cannot be run as asked. The text says what, where, and what to do."""

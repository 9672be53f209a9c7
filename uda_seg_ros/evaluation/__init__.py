"""A recorded drive evaluated: what is served, with or without adaptation, against the frozen network. No ROS.

The drive (drive.py) is segmented frame by frame (run.py) into result.jsonl (line.py). Everything else comes from that file:
record.py reads it, summary.py counts, verdict.py says it in a sentence, page.py shows it.
"""


class EvaluationError(ValueError):
    """A drive cannot be evaluated as asked. The text says why and what to do."""

"""How commands end: one line for what a user can mend, a traceback for what only we can."""

from __future__ import annotations

import sys
from collections.abc import Callable


def told(run: Callable[[], None]) -> int:
    """0, or 1 after 'error: ...' on stderr for one of our own errors or the system's; any other error is raised."""
    try:
        run()
    except OSError as error:
        text = f'{error.filename}: {error.strerror}' if error.filename else str(error)
    except (RuntimeError, ValueError) as error:
        if type(error).__module__.split('.')[0] not in ('uda_seg_ros', 'offline'):  # only our own are written for users
            raise
        text = str(error)
    except KeyboardInterrupt as stop:
        print(str(stop) or 'interrupted', file=sys.stderr)
        return 130
    else:
        return 0
    print(f'error: {text}', file=sys.stderr)
    return 1

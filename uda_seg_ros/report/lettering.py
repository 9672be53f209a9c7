"""Text on pictures."""

from __future__ import annotations

import cv2
import numpy as np

INK, GREY = (38, 36, 33), (125, 120, 112)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def write(picture: np.ndarray, text: str, left: int, baseline: int, size: float, color: tuple[int, int, int],
          width: int) -> None:
    """Write one line into a picture, in place; smaller if it would be wider than `width` pixels.

    size: 1 is about 22 pixels high. OpenCV's letters are ASCII only.
    """
    plain = text.encode('ascii', 'replace').decode()
    (needed, _), _ = cv2.getTextSize(plain, _FONT, size, 1)
    fitting = size * min(1.0, width / max(1, needed))
    cv2.putText(picture, plain, (left, baseline), _FONT, fitting, color, 1, cv2.LINE_AA)

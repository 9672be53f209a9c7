"""What people see of a training: a progress bar or lines, log.jsonl, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from uda_seg_ros.storage.whole_file import write_text

from .log_pictures import Pictures

SECONDS_A_LINE = 10


def tensorboard(folder: Path, step: int, report: Callable[[str], None]) -> Any | None:
    """A SummaryWriter that goes on after `step`; None, and one line that says so, where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        report('no TensorBoard here, so no curves and pictures; get it by: source scripts/ros_env.sh train')
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)  # it drops that step, too


class Logbook:
    """Of one stage. step: how many steps are done already; what is logged beyond them is dropped.

    pictures: what TensorBoard shows, None for nothing.
    """

    def __init__(self, folder: Path, name: str, step: int, steps: int, report: Callable[[str], None],
                 pictures: Pictures | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._name, self._steps, self._report, self._pictures = name, steps, report, pictures
        self._path = folder / 'log.jsonl'
        self._cut(step)
        self._log = self._path.open('a', encoding='utf-8')
        self._board = tensorboard(folder / 'tensorboard', step, report)
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(total=steps, initial=step, desc=name, unit='step', dynamic_ncols=True)
        self._began, self._first, self._last_line = time.monotonic(), step, 0.0

    def record(self, step: int, values: Mapping[str, float], rate: float, images_per_s: float) -> None:
        """values, images_per_s: means since the last record. rate: share of the peak learning rate."""
        entry = {'step': step, **values, 'rate': rate, 'images_per_s': round(images_per_s, 2)}
        self._log.write(json.dumps(entry) + '\n')
        self._log.flush()
        if self._board:
            for key, value in entry.items():
                if key != 'step':
                    self._board.add_scalar(key.replace(' ', '_'), value, step)
        losses = '  '.join(f'{key} {value:.3g}' for key, value in values.items() if not key.startswith('gradient'))
        self._show(step, f'{losses}  {images_per_s:.3g} images/s')

    def show_pictures(self, step: int, **tensors: Any) -> None:
        """Send one picture of each tensor to TensorBoard (see Pictures)."""
        if self._board and self._pictures:
            for name, picture in self._pictures(**tensors).items():
                self._board.add_image(name.replace(' ', '_'), picture, step, dataformats='HWC')

    @property
    def wants_pictures(self) -> bool:
        return bool(self._board and self._pictures)

    def close(self) -> None:
        self._log.close()
        if self._board:
            self._board.close()
        if self._bar is not None:
            self._bar.close()

    def _show(self, step: int, text: str) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(step - self._bar.n)
        elif now - self._last_line >= SECONDS_A_LINE or step == self._steps:
            self._last_line = now
            left = (now - self._began) / max(1, step - self._first) * (self._steps - step)
            self._report(f'{self._name}: step {step}/{self._steps}  {text}  {left / 60:.1f} min left')

    def _cut(self, step: int) -> None:
        """Drop entries of steps that are trained again, and a last line that was cut off."""
        if not self._path.exists():
            return
        kept = []
        for line in self._path.read_text(encoding='utf-8', errors='replace').splitlines():
            try:
                if json.loads(line)['step'] <= step:
                    kept.append(line + '\n')
            except (ValueError, KeyError, TypeError):
                continue
        write_text(self._path, ''.join(kept))

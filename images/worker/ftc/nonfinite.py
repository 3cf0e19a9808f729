"""Steps whose loss or gradient is not a number: every worker sees the same ones, and does the same about them."""

from __future__ import annotations

import math

from .attempt import Attempt
from .control import Agreed
from .errors import FtcError
from .link import Link
from .messages import Note
from .state import Registered

IN_A_ROW = 10
"""So many steps left out one after the other, and the job fails."""


class NonFinite:
    """`policy`: fail, skip or report. With a GradScaler the gradient is left to that."""

    def __init__(self, policy: str, own: Registered, link: Link) -> None:
        self._policy = policy
        self._own = own
        self._link = link
        self._told = 0

    def judge(self, step: int, agreed: Agreed, norm: float, attempt: Attempt) -> None:
        """After a reduction, before anything changes. Raises FtcError."""
        if self._is_fine(agreed.loss, norm):
            return
        what = self._what(step, agreed, norm, attempt)
        if self._policy == "fail":
            raise FtcError(
                f"{what}. No worker has taken the step: the state is that of step {step}. Lower the learning rate, clip the gradient "
                "(job.register(…, clip_norm=1.0)) or look at the data of this step; or set `onNonFinite: skip` to leave such steps out"
            )
        if self._policy == "skip" and self._own.skipped_in_a_row + 1 >= IN_A_ROW:
            raise FtcError(f"{what}. It is the {IN_A_ROW}th step in a row that would have to be left out")
        if self._told < 3:
            self._told += 1
            self._link.send(Note("warn", f"{what}: {'the step is left out' if self._policy == 'skip' else 'training goes on with it'}"))

    def leaves_out(self, loss: float, norm: float) -> bool:
        """Whether the step is counted, and changes nothing."""
        if self._policy != "skip" or self._is_fine(loss, norm):
            self._own.skipped_in_a_row = 0
            return False
        self._own.skipped += 1
        self._own.skipped_in_a_row += 1
        return True

    def _is_fine(self, loss: float, norm: float) -> bool:
        return math.isfinite(loss) and (self._own.scaler is not None or math.isfinite(norm))

    def _what(self, step: int, agreed: Agreed, norm: float, attempt: Attempt) -> str:
        if agreed.weight == 0:
            return f"all weights of step {step + 1} are 0, so that it has no loss"
        if not math.isfinite(agreed.loss):
            return f"the loss of step {step + 1} is {agreed.loss}"
        bad = attempt.bad_gradients()
        where = f": {', '.join(bad[:3])}{' …' if len(bad) > 3 else ''}" if bad else ""
        return f"the gradient's norm at step {step + 1} is {norm}{where}"

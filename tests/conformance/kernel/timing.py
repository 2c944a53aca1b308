"""Traffic in rounds, far enough apart that no timeout falls near a packet.

Rounds come every 0.8 s and timeouts are 1, 2 or 3 s: between two packets lies a multiple of 0.8 s, which is at least 0.2 s
away from each of them, and from the 2 s after which the kernel calls UDP a stream.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import pytest
from attrs import define, field

Made = TypeVar("Made")

STEP_S: Final = 0.8
LATEST_S: Final = 0.1
"""How long after its time a round may end."""


class TooLateError(Exception):
    """The machine was too busy to keep the times; nothing follows."""


@define
class Rounds:
    """Waits for the time of each round."""

    _begin_s: float = field(init=False, default=0.0)
    _number: int = field(init=False, default=0)

    def wait(self) -> None:
        """Sleep until the next round.

        Raises:
            TooLateError: If the last one took too long.
        """
        now_s = time.monotonic()
        if self._number == 0:
            self._begin_s = now_s
        else:
            self.check()
            time.sleep(max(0.0, self._begin_s + self._number * STEP_S - time.monotonic()))
        self._number += 1

    def check(self) -> None:
        """Ask whether the round that goes on is still in time.

        Raises:
            TooLateError: If it is not.
        """
        late_s = time.monotonic() - self._begin_s - (self._number - 1) * STEP_S
        if late_s > LATEST_S:
            raise TooLateError(f"round {self._number} ended {late_s:.2f} s after its time")


def in_time(make: Callable[[Callable[[], None]], Made], tries: int = 5) -> Made:
    """Make something in rounds; again if a round came too late, and skip the test where that does not help.

    Args:
        make: Makes it; it is given what waits for the next round.
        tries: How often it is tried.
    """
    late = None
    for _ in range(tries):
        try:
            return make(Rounds().wait)
        except TooLateError as error:
            late = error
    pytest.skip(f"this machine is too busy to keep the times of packets: {late}")

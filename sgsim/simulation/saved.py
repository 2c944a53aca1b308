"""Packets saved to captures by their verdict, as they were.

A packet is allowed if every interface on its way allowed it, and denied if one denied it; a packet that was skipped is
neither.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import define

from sgsim.engine.base import Engine
from sgsim.errors import ConfigError
from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.model.decision import Verdict
from sgsim.sources.capture_writer import CaptureWriter, check_ending
from sgsim.sources.following import Follower


@define
class SavedPackets:
    """Writes what is allowed, what is denied, or both."""

    followers: Sequence[Follower]
    allowed: CaptureWriter | None
    denied: CaptureWriter | None

    @classmethod
    def open(
        cls, followers: Sequence[Follower], allowed: str | Path | None, denied: str | Path | None
    ) -> "SavedPackets":
        """Make the files.

        Raises:
            ConfigError: If they are the same, end as no capture does, or cannot be made.
        """
        for path, option in ((allowed, "--write-allowed"), (denied, "--write-denied")):
            if path is not None:
                check_ending(path, option)
        if allowed is not None and denied is not None and Path(allowed).resolve() == Path(denied).resolve():
            raise ConfigError(f"--write-allowed and --write-denied must be two files, got {str(allowed)!r} twice")
        first = None if allowed is None else CaptureWriter(allowed)
        try:
            second = None if denied is None else CaptureWriter(denied)
        except ConfigError:
            if first is not None:
                first.close(complete=False)
            raise
        return cls(followers, first, second)

    def see(self, packets: PacketColumns, decisions: DecisionColumns, _engine: Engine) -> None:
        """Save the packets of a batch."""
        is_denied, is_allowed = _fates(len(packets.number), decisions)
        wanted = (is_allowed if self.allowed is not None else False) | (
            is_denied if self.denied is not None else np.False_
        )
        for row in np.flatnonzero(wanted).tolist():
            record = self.followers[int(packets.file[row])].record(int(packets.number[row]))
            writer = self.denied if is_denied[row] else self.allowed
            if writer is not None:
                writer.write(record)

    def close(self, *, complete: bool) -> None:
        """End both files."""
        for writer in (self.allowed, self.denied):
            if writer is not None:
                writer.close(complete=complete)


def _fates(packets: int, decisions: DecisionColumns) -> tuple[Column, Column]:
    """For each packet whether it was denied somewhere, and whether it was allowed everywhere."""
    is_denied, is_judged = np.zeros(packets, bool), np.zeros(packets, bool)
    is_denied[decisions.row[decisions.verdict == Verdict.DENY]] = True
    is_judged[decisions.row[decisions.verdict == Verdict.ALLOW]] = True
    is_skipped = np.zeros(packets, bool)
    is_skipped[decisions.row[decisions.verdict == Verdict.SKIP]] = True
    return is_denied, is_judged & ~is_denied & ~is_skipped

"""Why a packet cannot be read, and the one test behind most of it.

Decoding stops at the first thing that is wrong by raising `SkipPacket`; `frames.decode_frame` turns it into a row.
"""

from sgsim.model.decision import Reason


class SkipPacket(Exception):  # noqa: N818 - not an error: it never leaves this package
    """This packet cannot be judged, for a reason of `UNREADABLE_REASONS`."""

    def __init__(self, reason: Reason) -> None:
        """Keep the reason."""
        super().__init__(reason.name)
        self.reason = reason


def require(frame: bytes, end: int, limit: int) -> None:
    """Stop unless the captured bytes reach `end`.

    Args:
        frame: The captured bytes.
        end: Where the header ends that is about to be read.
        limit: Where the part ends that must hold it: the frame on the wire, or the packet by its total length.

    Raises:
        SkipPacket: MALFORMED if the header does not fit into its part, so that no longer capture would show it;
            TRUNCATED if it was on the wire but not captured.
    """
    if end > limit:
        raise SkipPacket(Reason.MALFORMED)
    if end > len(frame):
        raise SkipPacket(Reason.TRUNCATED)

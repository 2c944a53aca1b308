"""What is done with traffic beside judging it: looking for what is given or was captured twice, and saving some."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import field, frozen

from sgsim.engine.base import Engine
from sgsim.model.columns import DecisionColumns, PacketColumns
from sgsim.simulation.given_twice import files_given_twice, notes_on_files_given_twice
from sgsim.simulation.overlap import Overlaps
from sgsim.simulation.saved import SavedPackets
from sgsim.sources.base import BATCH_ROWS, Source, has_records
from sgsim.sources.following import FOLLOWED_ROWS, followed
from sgsim.sources.merge import MergedSource

See = Callable[[PacketColumns, DecisionColumns, Engine], None]


@frozen
class Beside:
    """It sees every batch with its decisions."""

    source: Source
    """To be read in place of the one that was given."""
    given_twice: Sequence[tuple[int, ...]]
    overlaps: Overlaps
    saved: SavedPackets | None
    _seers: tuple[See, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        source: Source,
        taken_at: Sequence[int],
        *,
        see: See | None = None,
        write_allowed: str | Path | None = None,
        write_denied: str | Path | None = None,
    ) -> "Beside":
        """Prepare it for a run.

        Raises:
            ConfigError: If packets are to be written and cannot be.
        """
        given_twice = files_given_twice(source, taken_at)
        overlaps, saved = Overlaps(source.files, taken_at, given_twice), None
        seers = [] if see is None else [see]
        if overlaps.is_possible and not has_records(source):
            seers.append(overlaps.see)
        if write_allowed is not None or write_denied is not None:
            source, followers = followed(source)
            saved = SavedPackets.open(followers, write_allowed, write_denied)
            seers.append(saved.see)
        return cls(source, given_twice, overlaps, saved, tuple(seers))

    @property
    def see(self) -> See | None:
        """What is to be shown every batch; None if nobody looks."""
        return self._see if self._seers else None

    def _see(self, packets: PacketColumns, decisions: DecisionColumns, engine: Engine) -> None:
        for see in self._seers:
            see(packets, decisions, engine)

    @property
    def batch_rows(self) -> int:
        """How many packets a batch is to have: fewer where their bytes are held."""
        return BATCH_ROWS if self.saved is None else FOLLOWED_ROWS

    def notes(self) -> Iterator[str]:
        """What a reader of the summary should know."""
        sources = self.source.sources if isinstance(self.source, MergedSource) else (self.source,)
        for each in sources:
            yield from getattr(each, "notes", ())
        yield from notes_on_files_given_twice(self.source, self.given_twice)
        yield from self.overlaps.notes()

    def close(self, *, complete: bool) -> None:
        """End all files."""
        if self.saved is not None:
            self.saved.close(complete=complete)

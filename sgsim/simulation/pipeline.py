"""Reading ahead: packets are read and decoded in one thread while they are judged and recorded in another.

Law: the same batches in the same order, and the same error after them, as without it. Memory stays bounded: a few batches
wait at most.
"""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Final, Generic, TypeVar

from attrs import define, field

_Batch = TypeVar("_Batch")

THREADS: Final = (1, 2)
"""How many a replay may use."""

_MOST_WAITING: Final = 2
"""Batches that wait to be judged; with the one that is filled and the one that is judged as many as sources keep."""


@define
class ReadAhead(Generic[_Batch]):
    """Takes batches from an iterator in a thread of its own."""

    _batches: Iterator[_Batch]
    _parcels: "queue.Queue[_Batch | BaseException | None]" = field(
        factory=lambda: queue.Queue(_MOST_WAITING), init=False
    )
    """Batches, what went wrong after the last, or None at the end."""
    _is_stopped: threading.Event = field(factory=threading.Event, init=False)

    def __iter__(self) -> Generator[_Batch]:
        """Yield the batches; who goes on no more leaves a thread that stops at its next batch.

        Raises:
            SourceError: As the iterator does, after the batches before it.
        """
        threading.Thread(target=self._run, name="read", daemon=True).start()
        try:
            while (parcel := self._parcels.get()) is not None:
                if isinstance(parcel, BaseException):
                    raise parcel
                yield parcel
                del parcel  # so that its memory can be used again while the next one is awaited
        finally:
            self._is_stopped.set()
            while not self._parcels.empty():
                self._parcels.get_nowait()

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            for batch in self._batches:
                if self._is_stopped.is_set():
                    return
                self._parcels.put(batch)
                del batch  # as above
        except BaseException as error:  # noqa: BLE001  # it is raised again where the batches are used
            last = error
        self._parcels.put(last)

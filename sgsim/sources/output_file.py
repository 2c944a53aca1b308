"""Files that appear when they are complete: written under a temporary name, gzipped if their name ends so, and renamed."""

import contextlib
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

from sgsim.errors import ConfigError

STDOUT: Final = "-"
"""In place of a file's name: standard output."""
GZIP_ENDING: Final = ".gz"
_GZIP_LEVEL: Final = 6


@contextlib.contextmanager
def output_file(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for writing; if the body fails nothing of it is left, and what was there before stays.

    Gzip files hold no name and no time, so that the same content is the same bytes.

    Raises:
        ConfigError: If it cannot be written.
    """
    path = Path(path)
    if not path.name:
        raise ConfigError(f"file must be one that can be written, got {str(path)!r}: it has no name")
    partial = path.with_name(f".{path.name}.partial")
    try:
        with _naming(path), partial.open("wb") as plain:
            stream = gzipped(plain, path)
            yield stream
            stream.close()
        with _naming(path):
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def gzipped(plain: IO[bytes], path: Path) -> IO[bytes]:
    """A stream that zips into another if the path's name says so; closing it closes both."""
    return cast("IO[bytes]", _Zipped(plain)) if path.suffix.lower() == GZIP_ENDING else plain


def standard_output(*, is_zipped: bool) -> IO[bytes]:
    """Standard output as a file: closing it writes all that was written to it, and leaves it open."""
    return cast("IO[bytes]", gzip.GzipFile("", "wb", _GZIP_LEVEL, _Stdout(), 0) if is_zipped else _Stdout())


class _Stdout:
    """Standard output that stays open."""

    def write(self, data: bytes) -> int:
        return sys.stdout.buffer.write(data)

    def flush(self) -> None:
        sys.stdout.buffer.flush()

    def close(self) -> None:
        self.flush()


class _Zipped(gzip.GzipFile):
    """Gzip without name and time, that closes what it writes to."""

    def __init__(self, plain: IO[bytes]) -> None:
        super().__init__(filename="", mode="wb", fileobj=plain, mtime=0, compresslevel=_GZIP_LEVEL)
        self._plain = plain

    def close(self) -> None:
        super().close()
        self._plain.close()


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"file must be one that can be written, got {str(path)!r}: {error.strerror}") from error


def ending_of(path: str | Path) -> str:
    """The ending of a name without `.gz`, in lower case: `.pcap` of `a.PCAP.gz`."""
    name = Path(str(path).lower().removesuffix(GZIP_ENDING))
    return name.suffix

"""Random numbers that are the same everywhere: the words of PCG64, and integers made of them here.

numpy promises that `SeedSequence` and the raw words of `PCG64` never change, and promises nothing of its distributions;
so only those two are taken from it. Each stream of words has a key of whole numbers. A stream is read from its begin and
by one reader, so what one part of some traffic draws does not move what another draws.
"""

import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""64 random bits each."""

Numbers = NDArray[np.int64]

_HALF: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFF_FFFF)


def stream(seed: int, *key: int) -> np.random.PCG64:
    """Give the stream of words that belongs to a seed and a key."""
    return np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))


def words(source: np.random.PCG64, count: int) -> Words:
    """Take the next words of a stream."""
    taken: Any = source.random_raw(count)
    return np.asarray(taken, np.uint64)


def key_of(name: str) -> int:
    """A number for a name, so that the streams of a part hang on its name and not on its place among others."""
    return zlib.crc32(name.encode())


def below(some: Words, limit: int | Numbers) -> Numbers:
    """Whole numbers from 0 up to, not including, `limit`, which is at most 2^31; each as likely as the next."""
    scaled = (some >> _HALF) * np.asarray(limit, np.uint64) >> _HALF
    return scaled.astype(np.int64)


def low_bits(some: Words) -> NDArray[np.uint32]:
    """The lower half of each word, for one more use of it."""
    return (some & _LOW).astype(np.uint32)

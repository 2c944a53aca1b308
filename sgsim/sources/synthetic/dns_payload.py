"""DNS messages, so that synthetic look-ups can be read in a capture: who is example.com, and that it is 192.0.2.1.

A message is filled up to its length by padding (RFC 7830), or by a few zeros behind it that no reader minds where there
is no room for that.
"""

import functools
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_BYTES: Final = 512
"""What a message is longer is zeros behind it."""
_LENGTHS: Final = 1 << 11
"""More than a datagram holds."""

_NAME: Final = b"\x07example\x03com\0"
_TYPE_A_CLASS_IN: Final = struct.pack(">HH", 1, 1)
_QUESTION: Final = struct.pack(">HHHHHH", 0, 0x0100, 1, 0, 0, 0) + _NAME + _TYPE_A_CLASS_IN
_ANSWER: Final = (
    struct.pack(">HHHHHH", 0, 0x8180, 1, 1, 0, 0)
    + _NAME
    + _TYPE_A_CLASS_IN
    + struct.pack(">HHHIH4B", 0xC00C, 1, 1, 60, 4, 192, 0, 2, 1)
)
_PADDING_BYTES: Final = 15
"""An OPT record with an empty padding option."""

LEAST_BYTES: Final = (len(_QUESTION), len(_ANSWER))
"""A shorter question, or answer, cannot be written."""


@functools.cache
def dns_messages() -> NDArray[np.uint8]:
    """Messages with the identifier 0, by kind (question, answer) and length, axis `(2, lengths, bytes)`."""
    messages = np.zeros((2, _LENGTHS, MOST_BYTES), np.uint8)
    for kind, message in enumerate((_QUESTION, _ANSWER)):
        for length in range(len(message), _LENGTHS):
            padded = _padded(message, min(length, MOST_BYTES))
            messages[kind, length, : len(padded)] = np.frombuffer(padded, np.uint8)
    return messages


def _padded(message: bytes, length: int) -> bytes:
    spare = length - len(message) - _PADDING_BYTES
    if spare < 0:
        return message
    option = struct.pack(">BHHIHHH", 0, 41, 1232, 0, 4 + spare, 12, spare) + bytes(spare)
    return message[:10] + struct.pack(">H", 1) + message[12:] + option

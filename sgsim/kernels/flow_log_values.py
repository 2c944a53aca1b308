"""Values in the lines of flow logs: numbers, addresses and words.

What is usual is read here; of anything else it is said that it is odd.
"""

import numpy as np

from sgsim.kernels.decode_bytes import load8, load64_native, put
from sgsim.kernels.flow_log_layout import SCRATCH
from sgsim.kernels.jit import kernel

NEWLINE, BLANK, DASH, DOT, COLON, ZERO, NINE = 10, 32, 45, 46, 58, 48, 57
ODD, ABSENT = -1, -2


@kernel(is_entry=False, inline=True)
def is_blank(byte: int) -> bool:
    """Whether a byte separates values, as `bytes.split` has it; a line's end apart."""
    return byte == BLANK or byte == 9 or (11 <= byte <= 13)


@kernel(is_entry=False, inline=True)
def ends_value(byte: int) -> bool:
    """Whether a byte is none of a value's."""
    return byte == BLANK or (9 <= byte <= 13)


@kernel(is_entry=False, inline=True)
def number_at(at: int, state: int) -> int:
    """Read digits from `at`; `ABSENT` for a dash, `ODD` for anything else. The state gets where they end."""
    byte = load8(at)
    value = 0
    begin = at
    while ZERO <= byte <= NINE:
        value = value * 10 + (byte - ZERO)
        at += 1
        byte = load8(at)
    put(state, SCRATCH, at)
    if at == begin:
        if byte == DASH and ends_value(load8(at + 1)):
            put(state, SCRATCH, at + 1)
            return ABSENT
        return ODD
    if at - begin > 18 or not ends_value(byte):
        return ODD
    return value


@kernel(is_entry=False, inline=True)
def ipv4_at(at: int, state: int) -> int:
    """Read a dotted address; `ODD` for anything else, as in an address of version 6. The state gets where it ends."""
    address = 0
    for octet in range(4):
        byte = load8(at)
        begin = at
        value = 0
        while ZERO <= byte <= NINE:
            value = value * 10 + (byte - ZERO)
            at += 1
            byte = load8(at)
        digits = at - begin
        if digits == 0 or digits > 3 or value > 255 or (digits > 1 and load8(begin) == ZERO):
            return ODD
        address = address << 8 | value
        if octet < 3:
            if byte != DOT:
                return ODD
            at += 1
    if not ends_value(load8(at)):
        return ODD
    put(state, SCRATCH, at)
    return address


@kernel(is_entry=False)
def ipv6_at(at: int, state: int) -> int:
    """Read an address of version 6 into two words of the state, behind where it ends; `ODD` for anything else.

    One that ends in dotted form is odd, too.
    """
    groups = 0
    gap = -1
    high, low = np.uint64(0), np.uint64(0)
    after_high, after_low = np.uint64(0), np.uint64(0)  # the groups behind `::`
    if load8(at) == COLON:
        if load8(at + 1) != COLON:
            return ODD
        gap = 0
        at += 2
    while not ends_value(load8(at)):
        value, digits = 0, 0
        while True:
            byte = load8(at)
            if ZERO <= byte <= NINE:
                value = value << 4 | byte - ZERO
            elif 97 <= byte <= 102:
                value = value << 4 | byte - 87
            elif 65 <= byte <= 70:
                value = value << 4 | byte - 55
            else:
                break
            digits += 1
            at += 1
        if digits == 0 or digits > 4 or groups == 8:
            return ODD
        groups += 1
        if gap < 0:
            high = high << np.uint64(16) | low >> np.uint64(48)
            low = low << np.uint64(16) | np.uint64(value)
        else:
            after_high = after_high << np.uint64(16) | after_low >> np.uint64(48)
            after_low = after_low << np.uint64(16) | np.uint64(value)
        byte = load8(at)
        if byte == COLON:
            at += 1
            if load8(at) == COLON:
                if gap >= 0:
                    return ODD
                gap = groups
                at += 1
            elif ends_value(load8(at)):
                return ODD
        elif not ends_value(byte):
            return ODD
    if (gap < 0 and groups != 8) or (gap >= 0 and groups > 7):
        return ODD
    if gap >= 0:
        for _ in range(8 - gap):
            high = high << np.uint64(16) | low >> np.uint64(48)
            low = low << np.uint64(16)
        high |= after_high
        low |= after_low
    put(state, SCRATCH, at)
    put(state, SCRATCH + 1, np.int64(high))
    put(state, SCRATCH + 2, np.int64(low))
    return 0


@kernel(is_entry=False, inline=True)
def value_end(at: int) -> int:
    """Where a value ends."""
    while not ends_value(load8(at)):
        at += 1
    return at


@kernel(is_entry=False, inline=True)
def masked(at: int, length: int) -> np.uint64:
    """The first `length` bytes, at most 8, as a word; those behind them are 0."""
    word = np.uint64(load64_native(at))
    if length >= 8:
        return word
    if length <= 0:
        return np.uint64(0)
    return word & (np.uint64(1) << np.uint64(length * 8)) - np.uint64(1)


@kernel(is_entry=False, inline=True)
def is_word(at: int, length: int, size: int, text: int) -> bool:
    """Whether a value is a word of up to 8 letters, given as their bytes from the lowest on."""
    return length == size and masked(at, length) == np.uint64(text)

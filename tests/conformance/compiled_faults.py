"""The same kinds of faults in the compiled engine: texts of its kernels, and what stands there instead.

They are planted in copies that plain Python runs (`equivalence.uncompiled`). Vectors and kernel must notice each, as they
must those in `conformance.faults`.
"""

from typing import Final, NamedTuple


class CompiledFault(NamedTuple):
    """One thing that is wrong."""

    before: str
    """What is taken out; it stands once in the kernels."""
    after: str
    topics: set[str]
    """Of the vectors: each must notice."""
    kernel: bool = False
    """Whether the kernel must notice too."""


_QUOTED = "p.quoted_src_hi[quote] != p.dst_hi[row] or p.quoted_src_lo[quote] != p.dst_lo[row]"
_FIRST_SEEN = "m.fragments[word + _AT_ID] == 0 or m.fragments[word + _AT_GONE] <= now_ns:\n        return 0"
_CLOSED_BY_ITS_SIDE = "word >> BY_FIN_AT & 1 or (last_segment == RST and last_reply == is_reply)"

COMPILED_FAULTS: Final[dict[str, CompiledFault]] = {
    "the rule back is not looked at": CompiledFault("if not is_open_back(rules, units + (opener == INGRESS)", "if False and not is_open_back(rules, units + (opener == INGRESS)", {"untracked"}),
    "UDP may not be left untracked": CompiledFault("if not facts.bypass[protocol]:", "if not facts.bypass[protocol] or protocol == UDP:", {"untracked"}),
    "the profile is not asked whether anything is left untracked": CompiledFault("if not facts.bypass[protocol]:", "if False:", {"untracked", "linux"}, kernel=True),
    "no path is automatic": CompiledFault("if is_automatic:\n        return -1", "if False:\n        return -1", {"automatic-paths"}),
    "a DynamoDB connection takes one place": CompiledFault("np.int64(net.path_automatic[path]), net.path_places[path]", "np.int64(net.path_automatic[path]), 1", {"automatic-paths"}),
    "an error may go to anybody": CompiledFault(_QUOTED, "False", {"icmp"}, kernel=True),
    "no error passes": CompiledFault(_QUOTED, "True", {"icmp", "linux"}, kernel=True),
    "entries are gone only after their time": CompiledFault("if due_ns > now_ns:", "if due_ns >= now_ns:", {"timeout-boundaries"}),
    "nothing expires": CompiledFault("if due_ns > now_ns:", "if True:", {"timeout-boundaries", "timeouts"}, kernel=True),
    "only the opener restarts the timeout": CompiledFault("if restarts(facts, effect, state, after):", "if restarts(facts, effect, state, after) and not is_reply:", {"timeouts"}),
    "by the rules of Linux, only the opener restarts the timeout": CompiledFault("if restarts(facts, effect, before, after):", "if restarts(facts, effect, before, after) and not is_reply:", {"linux", "timeout-boundaries"}, kernel=True),
    "after the close nothing restarts the timeout": CompiledFault("== CLOSE) and not facts.options[LATE_REFRESH]", "== CLOSE)", {"settings"}, kernel=True),
    "a SYN that is repeated restarts the timeout": CompiledFault("effect = NOT_RENEWED", "effect = MOVED", {"linux"}, kernel=True),
    "an ICMP rule ignores the code": CompiledFault("number = icmp_type * 256 + icmp_code if", "number = icmp_type * 256 if", {"rules"}, kernel=True),
    "the last place is never given": CompiledFault("places <= capacity", "places < capacity", {"capacity", "automatic-paths"}),
    "nothing is exempt": CompiledFault("is_exempt = np.int64(_is_exempt(", "is_exempt = 0 * np.int64(_is_exempt(", {"never-filtered"}),
    "no first fragment is remembered": CompiledFault(_FIRST_SEEN, "True:\n        return 0", {"fragments", "timeout-boundaries"}, kernel=True),
    "a stream needs no reply": CompiledFault("(is_answered_udp & is_stream) << STREAM_AT", "np.int64(service >> 32 & 255 == UDP) << STREAM_AT", {"timeouts"}),
    "the sides of a flow are exchanged": CompiledFault("return np.int64(opener != direction)", "return 1", {"tcp-table"}, kernel=True),
    "R1: an RST never deletes": CompiledFault("DELETED if segment == RST and not word >> ANSWERED_AT & 1", "DELETED if False", {"tcp-table"}, kernel=True),
    "R2: a SYN opens anew whatever came before": CompiledFault(_CLOSED_BY_ITS_SIDE, "True", {"linux"}, kernel=True),
    "R3: no ACK is a challenge": CompiledFault("segment == ACK and is_challenged", "False", {"linux"}, kernel=True),
    "R4: only the opener completes a simultaneous open": CompiledFault("segment == ACK and is_reply and beside", "False and beside", {"linux"}, kernel=True),
}  # fmt: skip

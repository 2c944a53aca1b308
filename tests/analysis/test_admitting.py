"""The table of pieces counts what looking at every rule counts."""

import numpy as np
from builders import group, interface, inventory, matcher, prefix_list
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress
from strategies import headers, rules

from sgsim.analysis.admitting import AdmittingCounts
from sgsim.model.address import Family
from sgsim.model.protocol import PORT_PROTOCOLS
from sgsim.model.states import Direction
from sgsim.rules.service import header_service, protocol_services


def test_neighbouring_ports_are_told_apart():
    known = inventory(group("tcp 440-450 from 10.0.0.0/8", "tcp 445 from 10.0.0.0/9"), interface())
    counts = AdmittingCounts(matcher(known).rules[Direction.INGRESS])
    services = np.array([protocol_services(6, port)[0] for port in (439, 440, 444, 445, 446, 450, 451)])
    peers = [int(IPAddress("10.0.0.1"))] * len(services)
    assert counts.counts(Family.IPV4, peers, services).tolist() == [0, 1, 1, 2, 1, 1, 0]


@given(st.lists(rules(references=("sg-web", "pl-1")), max_size=6), st.lists(headers(), max_size=8))
def test_it_counts_the_rules_that_admit(listed, asked):
    """counts(packet) == len(list(matcher.admitting(packet))), whatever was asked before."""
    known = inventory(group(*listed), interface(), prefix_list("pl-1", "10.0.0.0/8", "2001:db8::/32"))
    matching = matcher(known)
    for direction in Direction:
        counts = AdmittingCounts(matching.rules[direction])
        for header in asked:
            if header.direction is not direction or (header.protocol in PORT_PROTOCOLS and header.port is None):
                continue
            found = counts.counts(header.family, [header.peer], np.array([header_service(header)]))
            assert found.tolist() == [len(list(matching.admitting(header)))]

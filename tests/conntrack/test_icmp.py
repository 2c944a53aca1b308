"""Which ICMP messages make a flow."""

import pytest
import strategies
from hypothesis import given

from sgsim.conntrack.icmp import IcmpQuery, icmp_query, query_direction
from sgsim.model.protocol import ICMP_QUERIES
from sgsim.model.states import ConntrackDirection, Direction


@given(strategies.icmp_query_types, strategies.directions)
def test_an_answer_that_goes_the_other_way_is_of_the_same_query(kind, direction):
    protocol, query_type = kind
    answer_type = ICMP_QUERIES[protocol][query_type]
    asked = icmp_query(protocol, query_type, 0, direction, with_code=False)
    assert IcmpQuery(query_type, direction, None) == asked
    assert asked == icmp_query(protocol, answer_type, 0, direction.opposite, with_code=False)
    coded = icmp_query(protocol, query_type, 5, direction, with_code=True)
    assert IcmpQuery(query_type, direction, 5) == coded
    assert coded == icmp_query(protocol, answer_type, 5, direction.opposite, with_code=True)


def test_two_hosts_that_ping_each_other_make_two_queries():
    ways = [icmp_query(1, 8, 0, direction, with_code=False) for direction in Direction]
    assert len(set(ways)) == 2


def test_a_query_is_original_and_its_answer_reply():
    assert query_direction(1, 8) is ConntrackDirection.ORIGINAL
    assert query_direction(1, 0) is ConntrackDirection.REPLY
    assert query_direction(58, 128) is ConntrackDirection.ORIGINAL
    assert query_direction(58, 129) is ConntrackDirection.REPLY


@pytest.mark.parametrize(("protocol", "icmp_type"), [(1, 3), (1, 11), (1, 128), (58, 8), (58, 1), (6, 8), (1, None)])
def test_other_messages_are_neither(protocol, icmp_type):
    assert query_direction(protocol, icmp_type) is None


def test_an_error_makes_no_query():
    assert icmp_query(1, 3, 4, Direction.INGRESS, with_code=True) is None


def test_codes_are_told_apart_only_where_the_profile_does():
    odd, plain = (
        {icmp_query(1, 8, code, Direction.EGRESS, with_code=with_code) for code in (0, 1)}
        for with_code in (True, False)
    )
    assert (2, 1) == (len(odd), len(plain))

"""Paths that AWS tracks automatically."""

import pytest

from sgsim.model.path import PathLabel


def test_every_path_but_the_direct_one_is_automatic():
    assert [label for label in PathLabel if not label.is_automatic] == [PathLabel.DIRECT]


def test_a_dynamodb_connection_takes_two_places_and_all_others_one():
    assert [label for label in PathLabel if label.places == 2] == [PathLabel.DYNAMODB]
    assert {label.places for label in PathLabel} == {1, 2}


@pytest.mark.parametrize("label", PathLabel)
def test_a_label_is_written_as_options_take_it(label):
    assert label is PathLabel(str(label))


def test_the_list_of_2026_is_complete():
    expected = (
        "egress-only-internet-gateway global-accelerator nat-gateway network-firewall network-load-balancer privatelink "
        "lambda dynamodb"
    )
    assert set(expected.split()) == {str(label) for label in PathLabel if label.is_automatic}

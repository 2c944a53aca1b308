"""Which instance types forget idle TCP flows after 350 s."""

import pytest

from sgsim.conntrack.nitro import NITRO_V6_FAMILIES, default_tcp_established_s

V6 = """m8a m8azn m8gb m8gn m8i m8id m8i-flex m8in m8idn m8ine m8ib m8idb m9g m9gd t8i c8a c8gb c8gn c8i c8id c8i-flex
c8in c8ine c8ib c9g c9gd r8a r8gb r8gn r8i r8id r8i-flex r8in r8idn r8ib r8idb r9g r9gd x8aedz x8i i8ge g7 g7e p6-b200
p6-b300 hpc8a"""
V5 = "m8g m8gd c7gn c8g c8gd r8g r8gd x8g i7ie i8g p5en p6e-gb200 trn2 trn2u hpc7g"


def test_the_list_is_awss():
    assert set(V6.split()) == NITRO_V6_FAMILIES


@pytest.mark.parametrize("family", V6.split())
def test_version_6_forgets_after_350_s(family):
    assert default_tcp_established_s(f"{family}.large") == 350


@pytest.mark.parametrize("family", [*V5.split(), "m5", "t2", "unheard-of"])
def test_all_others_forget_after_five_days(family):
    assert default_tcp_established_s(f"{family}.large") == 432000


def test_a_type_is_read_in_any_case_and_without_a_size():
    assert default_tcp_established_s("M8I.48XLARGE") == default_tcp_established_s("m8i") == 350

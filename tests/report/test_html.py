import re
from html.parser import HTMLParser

import pytest
from report.summaries import summary, table_load

from sgsim.errors import ConfigError
from sgsim.report import html
from sgsim.report.charts import _steps
from sgsim.simulation.pressure_bins import PressureBin

SECOND_NS = 1_000_000_000


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(demo_summary, asking) -> str:
    return html.summary_html(demo_summary, asking)


def test_a_page_opens_without_a_network(page):
    parser = Tags()
    parser.feed(page)
    assert not {tag for tag, _ in parser.tags} & {"script", "link", "img", "iframe"}
    assert not [attrs for _, attrs in parser.tags if "src" in attrs or "href" in attrs]
    assert not re.findall(r"url\((?!#)", page)


def test_it_has_the_chart_of_the_table(page):
    svg = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert svg is not None
    assert "capacity 8" in svg[0]
    assert "seconds from the first packet" in svg[0]
    assert "triangles: packets refused because it was full" in page


def test_the_same_bytes_each_time(page, demo_summary, asking):
    assert page == html.summary_html(demo_summary, asking)


def test_what_users_wrote_is_text():
    odd = summary(notes=("<script>alert(1)</script>",), files=("<b>.pcap",))
    shown = html.summary_html(odd)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<b>" not in shown


def test_no_table_no_chart():
    assert "<svg" not in html.summary_html(summary())


def test_steps_of_the_chart():
    """A bin's greatest count at its beginning, its last at its end, and that until the next."""
    bins = tuple(
        PressureBin(
            start_ns=begin * SECOND_NS, least=0, greatest=greatest, last=last, inserted=0, expired=0, closed=0,
            untracked=0, refused=0,
        )
        for begin, greatest, last in ((2, 3, 2), (5, 4, 1))
    )  # fmt: skip
    load = table_load(bins=bins, bin_ns=SECOND_NS, count=1)
    assert list(_steps(load, SECOND_NS, 9 * SECOND_NS)) == [(0, 0), (1, 3), (2, 2), (4, 4), (5, 1), (8, 1)]


def test_a_missing_extra_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(html, "MODULES", ("altair", "no_such_package"))
    with pytest.raises(ConfigError) as caught:
        html.summary_html(summary())
    assert str(caught.value) == (
        "HTML reports must have the packages of the extra 'report', got no no_such_package: pip install 'sgsim[report]'"
    )

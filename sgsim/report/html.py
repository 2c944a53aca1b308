"""Sections as one HTML page that opens without a network: its style and its charts are inside.

Needs the extra `report`.
"""

from importlib.util import find_spec
from typing import Final

from sgsim import __version__
from sgsim.data import data_path
from sgsim.errors import ConfigError
from sgsim.report.blocks import Block
from sgsim.report.summary_asking import Asking
from sgsim.report.summary_sections import sections
from sgsim.report.whole_sections import shown_tables
from sgsim.simulation.summary import Summary

MODULES: Final = ("altair", "jinja2", "vl_convert")
"""What the extra brings."""


def check_extra() -> None:
    """Find out whether pages can be made.

    Raises:
        ConfigError: If a package of the extra is missing, saying how to install it.
    """
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"HTML reports must have the packages of the extra 'report', got no {', '.join(missing)}: "
            "pip install 'sgsim[report]'"
        )


def summary_html(summary: Summary, asking: Asking | None = None) -> str:
    """A summary as one page.

    Raises:
        ConfigError: If the extra is not installed.
    """
    check_extra()
    from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415  # an extra that may be missing

    environment = Environment(
        loader=FileSystemLoader(data_path("report")), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["kind"] = _kind
    return environment.get_template("report.html.jinja").render(
        title=f"sgsim replay of {', '.join(summary.files)}",
        version=__version__,
        sections=sections(summary, asking),
        charts=_charts(summary),
        refusals=[table.instance_id for table in summary.tables if table.conntrack_allowance_exceeded],
    )


def _kind(block: Block) -> str:
    return type(block).__name__


def _charts(summary: Summary) -> dict[str, str]:
    from sgsim.report.charts import table_svg  # noqa: PLC0415  # an extra that may be missing

    if summary.start_ns is None or summary.end_ns is None:
        return {}
    return {
        table.instance_id: table_svg(table, summary.start_ns, summary.end_ns)
        for table in shown_tables(summary)
        if table.bins
    }

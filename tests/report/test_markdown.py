from markdown_it import MarkdownIt

from sgsim.report.blocks import Block, Column, Commands, Facts, Paragraph, Row, Section, Table
from sgsim.report.markdown import markdown, summary_markdown


def html(text: str) -> str:
    return str(MarkdownIt().enable("table").render(text))


def test_nothing_is_taken_for_markup():
    odd = "a|b *c* _d_ `e` <f> [g](h) #i ~j~ \\k"
    page = html(
        markdown("Title", [Section("S", [Table([Column("x"), Column("y")], [Row((odd, "z"))]), Paragraph(odd)])])
    )
    shown = "a|b *c* _d_ `e` &lt;f&gt; [g](h) #i ~j~ \\k"
    assert f"<td>{shown}</td>" in page
    assert f"<p>{shown}</p>" in page


def test_every_block():
    blocks: list[Block] = [
        Facts([("name", "text")]),
        Commands("Ask", [("why", "sgsim explain")]),
        Paragraph("look", is_warning=True),
    ]
    assert markdown("Title", [Section("Part", blocks)]) == (
        "# Title\n\n## Part\n\n- name: text\n\nAsk:\n\n```sh\nsgsim explain\n```\n\n**look**\n"
    )


def test_the_demo(demo_summary, asking):
    text = summary_markdown(demo_summary, asking)
    assert text == summary_markdown(demo_summary, asking)
    page = html(text)
    assert page.count("<table>") == 5
    assert "sgsim explain -r rules --packet 768 demo.pcap" in page

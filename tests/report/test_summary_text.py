from sgsim.report.blocks import Column, Commands, Facts, Paragraph, Row, Section, Table
from sgsim.report.summary_sections import sections
from sgsim.report.summary_text import WIDTH, plain_text, text_lines


def text(*blocks) -> str:
    return plain_text(text_lines([Section("Title", blocks)]))


def test_numbers_stand_to_the_right():
    table = Table([Column("Name"), Column("Count", is_number=True)], [Row(("a", "1")), Row(("long name", "1,000"))])
    assert text(table) == "Title\n  Name       Count\n  a              1\n  long name  1,000\n"


def test_the_last_column_wraps():
    shown = text(Table([Column("Name"), Column("Text")], [Row(("a", "word " * 40))])).splitlines()
    assert len(shown) == 5
    assert all(line.startswith(" " * 8 + "word") for line in shown[3:])
    assert all(len(line) <= WIDTH for line in shown)


def test_what_wraps_stands_below_where_its_text_begins():
    shown = text(Table([Column("Name"), Column("Text")], [Row(("a", "  " + "word " * 40))])).splitlines()
    assert all(line.startswith(" " * 10 + "word") for line in shown[3:])
    assert all(len(line) <= WIDTH for line in shown)


def test_a_table_without_heads_has_no_line_for_them():
    assert text(Table([Column(""), Column("")], [Row(("a", "b"))])) == "Title\n  a  b\n"


def test_an_empty_table():
    assert text(Table([Column("Name")], [])) == "Title\n  Name\n"


def test_facts_wrap_under_themselves():
    assert text(Facts([("name", "x " * 60)])).splitlines()[2].startswith(" " * 8 + "x")


def test_a_name_that_repeats_is_said_once():
    assert text(Facts([("note", "a"), ("note", "b")])) == "Title\n  note  a\n        b\n"


def test_paragraphs_wrap_but_commands_do_not():
    line = "sgsim " + "x" * 200
    assert text(Commands("Ask", [("why", line)])).splitlines()[2] == f"    why  {line}"
    assert all(len(shown) <= WIDTH for shown in text(Paragraph("word " * 50)).splitlines())


def test_blocks_that_need_it_stand_apart():
    assert text(Paragraph("a"), Table([Column("N")], []), Paragraph("b")) == "Title\n  a\n\n  N\n  b\n"


def test_the_demo_fits(demo_summary, asking):
    lines = plain_text(text_lines(sections(demo_summary, asking))).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() for line in lines)

"""Every `sgsim` command on a page runs, and prints what the page shows.

To rewrite the pages with today's output: UPDATE_EXAMPLES=1 pytest tests/docs/test_console_examples.py
"""

import os
from pathlib import Path

import pytest
from console_examples import agrees, examples, files, run, updated

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = {
    page: found
    for page in PAGES
    if (found := [e for e in examples(page.read_text("utf-8")) if e.command.startswith("sgsim ")])
}


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_shows(page, folder):
    outputs = {}
    for name, content in files(page.read_text("utf-8")):
        (folder / name).write_text(content, encoding="utf-8")
    for example in OURS[page]:
        outputs[example], code = run(example.command, folder)
        is_refused = example.shown.removeprefix("...\n").startswith("sgsim: ")  # after what came before, if anything
        assert code == (2 if is_refused else 0), f"{example.command}\n{outputs[example]}"
    if os.environ.get("UPDATE_EXAMPLES"):
        page.write_text(updated(page.read_text("utf-8"), outputs), encoding="utf-8")
        return
    for example, actual in outputs.items():
        if example.shown:
            assert agrees(example.shown, actual), f"$ {example.command}\n{actual}"


def test_lines_that_are_left_out_may_be_any():
    assert agrees("first\n...\nlast\n", "first\na\nb\nlast\n")
    assert agrees("first\n...\n", "first\n")
    assert not agrees("first\n...\nlast\n", "first\nlast\nmore\n")
    assert not agrees("first\n", "first\nsecond\n")

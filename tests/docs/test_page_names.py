"""Names of pages."""

from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
TAKEN = {"search", "genindex", "py-modindex"}
"""Pages of the documentation that Sphinx writes itself, over ours if they have the same name."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_has_a_name_that_sphinx_takes_for_its_own(page):
    assert page.stem not in TAKEN

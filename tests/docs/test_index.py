"""docs/README.md leads to every page, once."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
INDEX = DOCS / "README.md"
OF_AN_INDEX = {"adr", "runbooks"}
"""Folders whose pages are listed by a README of their own."""


def test_every_page_is_listed_once() -> None:
    rows = re.findall(r"^\| \[[^\]]+\]\(([^)#]+)\) \| .+ \|$", INDEX.read_text(), re.MULTILINE)
    pages = {
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if page.parent.name not in OF_AN_INDEX and page != INDEX
    }

    assert len(rows) == len(set(rows))
    assert {row for row in rows if not row.startswith("../")} == pages | {
        f"{folder}/README.md" for folder in OF_AN_INDEX
    }

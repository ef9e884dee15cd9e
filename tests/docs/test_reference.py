"""The pages that are read off the code say what the code says."""

import pytest

from app.local import reference


@pytest.mark.parametrize("page", ["api", "configuration", "errors", "metrics"])
def test_a_reference_page_is_up_to_date(page: str) -> None:
    written = (reference.DOCS / f"{page}.md").read_text()

    assert written == getattr(reference, page)(), "run python -m app.local.reference"


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [line.split("|")[2] for line in reference.errors().splitlines() if "| `" in line]

    assert len(codes) == len(set(codes)) > 20

"""Tables that are made, not typed: between `<!-- made: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MADE: Final = re.compile(r"(<!-- made: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def renewed(page: str, sections: Mapping[str, str]) -> str:
    """The page with these sections. Raises KeyError for a mark that no section is called by."""
    return MADE.sub(lambda m: f"{m[1]}\n{sections[m[2]].rstrip()}\n\n{m[4]}", page)


def write_section(path: Path, name: str, text: str) -> None:
    """One section anew; the others stay."""
    page = path.read_text()
    kept = {found[2]: found[3].strip() for found in MADE.finditer(page)}
    path.write_text(renewed(page, {**kept, name: text}))


def write_page(path: Path, sections: Mapping[str, str]) -> None:
    path.write_text(renewed(path.read_text(), sections))

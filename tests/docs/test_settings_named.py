"""Settings that pages name are settings; a page that goes stale is worse than none."""

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")} - {ROOT / "CHANGELOG.md"})
NAMED = re.compile(r"`(?:export )?(GATEWAY_[A-Z_]+?)(?:_POC|_PROD)?\b")
OF_SCRIPTS = re.compile(r"\b(GATEWAY_[A-Z_]+[A-Z])\b")


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Those of the gateway, and those of ops, scripts and `.local/gateway.env`."""
    code = [
        path for folder in ("ops", "scripts", "app/local") for path in (ROOT / folder).rglob("*.py")
    ]
    settings = {one for name in Settings.model_fields for one in Settings.variables(name)}
    return settings.union(*(OF_SCRIPTS.findall(path.read_text()) for path in code))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_settings_that_there_are(page: Path, known: set[str]) -> None:
    assert set(NAMED.findall(page.read_text())) <= known

"""CHANGELOG.md goes by version."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECTIONS = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
RELEASED = re.compile(r"(\d+)\.(\d+)\.(\d+), \d{4}-\d{2}-\d{2}")


def test_sections_are_versions_the_newest_first() -> None:
    released = SECTIONS[SECTIONS[0] == "Unreleased" :]
    versions = [tuple(map(int, found.groups())) for s in released if (found := RELEASED.match(s))]

    assert len(versions) == len(released), "as in: ## 1.2.0, 2026-12-31"
    assert versions == sorted(set(versions), reverse=True)


def test_the_version_is_told_of_or_still_to_come() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert SECTIONS[0] == "Unreleased" or SECTIONS[0].startswith(f"{version}, ")

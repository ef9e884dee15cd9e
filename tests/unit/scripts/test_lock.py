"""The locks are current, and tell nothing about where they were made."""

import re
from pathlib import Path

import pytest

from scripts import lock

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = re.compile(r"://|--(index|extra-index|find-links|trusted-host)| @ |\bfile:")


def test_they_were_made_from_todays_pyproject_and_hold_each_other() -> None:
    assert lock.stale() == []


@pytest.mark.parametrize("name", lock.LOCKS)
def test_they_name_no_host_and_no_folder(name: str) -> None:
    assert not ADDRESS.search(lock.path(name).read_text())


def test_the_lock_of_claude_code_names_no_host_either() -> None:
    content = (ROOT / "tests" / "e2e" / "node_clients" / "package-lock.json").read_text()
    assert "://" not in content
    assert '"resolved"' not in content


@pytest.mark.parametrize("name", lock.LOCKS)
def test_every_package_has_a_hash(name: str) -> None:
    blocks = re.split(r"\n(?=\w)", lock.path(name).read_text().split("./dev lock\n")[1])
    assert len(blocks) > 20
    assert all("--hash=sha256:" in block for block in blocks)

"""The guides can be followed: what they change is as they show it, what they name exists."""

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHANGED = re.compile(r"^\+\+\+ b/(.+)$", re.MULTILINE)
NEW = re.compile(r"^`([\w/.-]+)`:\n\n(`{3,})\w+\n(.*?)^\2$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:app|docs|infra|ops|scripts|tests|\.github)/[\w/.-]+|CHANGELOG\.md)`")

each = pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.stem)


def commands(text: str) -> list[list[str]]:
    return [line.split() for block in COMMAND.findall(text) for line in block.splitlines()]


@each
def test_its_changes_can_be_made(guide: Path, tmp_path: Path) -> None:
    """If not, what stands around them has changed: make them anew, and look at the text as well."""
    patch = "".join(DIFF.findall(guide.read_text()))
    for name in set(CHANGED.findall(patch)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    done = subprocess.run(
        ["git", "apply", "-"],
        cwd=tmp_path,
        input=patch,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@each
def test_its_new_files_are_new_and_can_be_read(guide: Path) -> None:
    for name, _, text in NEW.findall(guide.read_text()):
        assert not (ROOT / name).exists(), name
        assert (ROOT / name).parent.is_dir(), name
        if name.endswith(".py"):
            compile(text, name, "exec")


@each
def test_what_it_names_exists(guide: Path) -> None:
    text = guide.read_text()
    made = {name for name, _, _ in NEW.findall(text)}
    shown = [word for words in commands(text) for word in words if word.startswith("tests/")]
    for name in {*NAMED.findall(text), *shown} - made:
        assert (ROOT / name).exists(), name


@each
def test_the_tests_that_fail_until_it_is_done_exist(guide: Path) -> None:
    text = guide.read_text()
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))

    assert named
    assert named <= set(re.findall(r"def (test_\w+)\(", written))


@each
def test_its_commands_can_be_given(guide: Path) -> None:
    verbs = runpy.run_path(str(ROOT / "dev"), run_name="read")["COMMANDS"]
    for words in commands(guide.read_text()):
        if words[0] == "./dev":
            assert words[1] in verbs
        else:
            assert words[:2] == [".venv/bin/python", "-m"]
            assert (ROOT / words[2].replace(".", "/")).with_suffix(".py").exists(), words


def test_there_is_a_guide_for_each_thing_that_is_added_often() -> None:
    assert {page.stem.removeprefix("add-a-").removeprefix("add-an-") for page in GUIDES} == {
        "alert",
        "endpoint",
        "model",
        "ops-command",
        "service",
    }

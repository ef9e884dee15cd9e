"""What results look like, and that nothing in them is more than text."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ops.errors import Misuse, OpsError
from ops.exits import Exit
from ops.reporters import REPORTERS
from ops.result import Change, Facts, Level, Note, Result, Table, Text

HOSTILE = (
    "::error::x",
    "##[error]x",
    "  ::set-output name=a::b",
    "a\n::add-mask::x",
    "a\r::stop-commands::x",
    "%0A::error::x",
    "\x1b[31mred\x1b]0;title\x07",
    "| a | b |",
    "<script>alert(1)</script>",
    "[click](https://example.com)",
    "![](https://example.com/x.png)",
    "```\n# heading",
    "@everyone `code` **bold** $x$",
    "\u202eevil\u2066",
)
RESULT = Result(
    "A title",
    [
        Table("Costs", ("what", "USD"), [("one", Decimal("1.5")), ("other", Decimal("10.00001"))]),
        Facts(
            "Some", [("ready", True), ("since", datetime(2026, 11, 23, tzinfo=UTC)), ("x", None)]
        ),
        Note("Look out.", Level.WARNING),
        Note("By the way."),
        Text("Log", ["first", "second"]),
    ],
    [Change("tasks", 1, 2)],
    planned=True,
)


def shown(name: str, result: Result, summary: Path | None = None) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    environ = {"GITHUB_STEP_SUMMARY": str(summary)} if summary else {}
    REPORTERS[name](out, err, environ).result(result)
    return out.getvalue(), err.getvalue()


def hostile(text: str) -> Result:
    return Result(
        text,
        [
            Table(text, (text,), [(text,)]),
            Facts(text, [("name", text)]),
            Note(text),
            Text(text, [text]),
        ],
        [Change(text, text, text)],
    )


def test_a_table_is_for_people() -> None:
    out, err = shown("table", RESULT)

    assert "Would change (nothing is done without --yes):\n  tasks: 1 -> 2" in out
    assert "  one        1.50\n  other  10.00001\n" in out
    assert "since  2026-11-23 00:00:00Z" in out
    assert "warning: Look out." in out
    assert err == ""


def test_json_keeps_every_digit_and_every_section() -> None:
    said = json.loads(shown("json", RESULT)[0])

    assert said["sections"][0]["rows"][1] == {"what": "other", "USD": "10.00001"}
    assert said["sections"][1]["facts"]["since"] == "2026-11-23T00:00:00+00:00"
    assert (said["planned"], said["exit"], said["changes"][0]["after"]) == (True, 0, 2)


def test_a_failure_is_json_as_well() -> None:
    out = io.StringIO()
    REPORTERS["json"](out, io.StringIO(), {}).failure(Misuse("No.", "Do this."))

    assert json.loads(out.getvalue()) == {
        "exit": 2,
        "error": {"message": "No.", "hint": "Do this.", "name": "USAGE"},
    }


def test_warnings_are_annotations_and_the_summary_has_it_all(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"

    out, _ = shown("github", RESULT, summary)

    assert "::warning title=A title::Look out.\n" in out
    assert "By the way" not in out.splitlines()[-1]
    text = summary.read_text()
    assert "| one | 1.50 |" in text
    assert "```\nfirst\nsecond\n```" in text


def test_a_failure_is_an_annotation(tmp_path: Path) -> None:
    out = io.StringIO()
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    REPORTERS["github"](out, io.StringIO(), environ).failure(OpsError("a: b, 100%", "x\ny"))

    assert out.getvalue() == "::error title=ops%3A failed::a: b, 100%25%0Ax%0Ay\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_workflows_log_is_a_command_of_somebody_else(text: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    reporter = REPORTERS["github"](out, err, {})
    reporter.result(hostile(text))
    reporter.say(text)
    reporter.line(text)

    lines = out.getvalue().splitlines() + err.getvalue().splitlines()
    commands = [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    stop = commands[0].removeprefix("::stop-commands::")
    assert commands == [f"::stop-commands::{stop}", f"::{stop}::"]


@pytest.mark.parametrize("text", HOSTILE)
def test_an_annotation_is_one_command(text: str) -> None:
    out = io.StringIO()
    REPORTERS["github"](out, io.StringIO(), {}).failure(OpsError(text, text))

    (line,) = out.getvalue().split("\n")[:-1]
    assert line.startswith("::error title=ops%3A failed::")
    assert "\r" not in line


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_summary_is_markup_of_somebody_else(text: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    shown(
        "github", Result("t", [Table("t", ("c",), [(text,)]), Facts("t", [("n", text)])]), summary
    )

    for line in summary.read_text().splitlines():
        assert "<script" not in line
        assert "](" not in line
        assert " `" not in line
        assert not line.startswith(("# ", "```"))


def test_a_block_cannot_be_left(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    shown("github", Result("t", [Text("t", ["````", "# x", "`````` end"])]), summary)

    fence = "`" * 7
    assert summary.read_text().count(f"{fence}\n") == 2


def test_a_summary_that_github_would_drop_is_left_out(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    shown("github", Result("t", [Text("t", ["x" * 1000] * 2000)]), summary)

    assert summary.read_text() == "The result is too long for a summary; the log has it.\n\n"


@pytest.mark.parametrize("name", ["table", "json"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_is_not_told_what_to_do(name: str, text: str) -> None:
    out, err = shown(name, hostile(text))

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(out + err)


def test_what_was_shown_as_it_came_is_not_shown_again(tmp_path: Path) -> None:
    streamed = Result("t", [Text("Output", ["line"], streamed=True)])
    summary = tmp_path / "summary.md"

    assert "line" not in shown("table", streamed)[0]
    assert "line" not in shown("github", streamed, summary)[0]
    assert "line" in summary.read_text()
    assert json.loads(shown("json", streamed)[0])["sections"][0]["lines"] == ["line"]


def test_every_exit_has_a_code_and_a_meaning_of_its_own() -> None:
    assert len({one.value for one in Exit}) == len({one.meaning for one in Exit}) == len(Exit)

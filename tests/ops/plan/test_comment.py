"""Comments: complete, short enough, and dead where others chose the words."""

import re

import pytest

from ops.plan import comment
from ops.plan.comment import Marker
from ops.plan.document import parse
from ops.plan.fingerprint import fingerprint
from ops.plan.markdown import code
from tests.ops.plan.plans import created, deleted, document, updated

SOURCE = "Commit 0123."
HOSTILE = (
    'x["` @everyone #1 <img src=x onerror=alert(1)>"]',
    'x["```\n# heading\n</details><script>"]',
    'x["[click](https://evil.example) ![i](https://evil.example/i) www.evil.example"]',
    'x["$(id) ::error::boo <!-- stargate-plan prod ' + "0" * 64 + ' -->"]',
    'x["\u202egnp.exe\u0007\x1b[31m | table | \\"]',
)


def dead(body: str) -> str:
    """What remains when GitHub has taken all code out: this alone is markup."""
    without_blocks = re.sub(r"^(`{3,})\n.*?^\1$", "", body, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", without_blocks)


def test_the_comment_says_how_much_what_first_and_what_differs() -> None:
    plan = parse(
        document(
            updated("aws_sqs_queue.this", {"name": "a"}, {"name": "b"}),
            deleted("aws_db_instance.this"),
            created("aws_sqs_queue.more"),
            output_changes={"endpoint": {"actions": ["create"]}},
        )
    )

    assert comment.of_plan(plan, "poc", SOURCE) == (
        f"""<!-- stargate-plan poc {fingerprint(plan)} -->
## Terraform would change poc

**1 to destroy, 1 to update, 1 to create, outputs: 1**

Commit 0123.

### Look at these first

- **destroy** `aws_db_instance.this`: a database would be lost

### Everything

- destroy `aws_db_instance.this`
- update `aws_sqs_queue.this`: `name`
- create `aws_sqs_queue.more`

Outputs: `endpoint`

### What differs

`aws_sqs_queue.this`

```
name: "a" -> "b"
```

"""
    )


def test_no_changes_are_one_sentence() -> None:
    body = comment.of_plan(parse(document()), "poc", SOURCE)

    assert "**No changes**" in body
    assert "###" not in body


def test_a_failed_plan_is_told_by_the_end_of_its_output() -> None:
    log = "\n".join(f"line {number}" for number in range(500)) + "\n\nError: ```no such thing```\n"
    body = comment.of_failure(log, "prod", SOURCE)

    assert comment.marker(body) == Marker("plan", "prod")
    assert "cannot plan prod" in body
    assert "Error: ```no such thing```" in body
    assert "line 499" in body
    assert "line 400\n" not in body
    assert "no such thing" not in dead(body)


def test_a_plan_that_failed_without_a_word_says_so() -> None:
    assert "(there was no output)" in comment.of_failure("", "poc", SOURCE)


@pytest.mark.parametrize("address", HOSTILE)
def test_names_and_values_are_no_markup(address: str) -> None:
    plan = parse(
        document(
            updated(f"aws_iam_role.{address}", {address: address}, {address: [address]}),
            output_changes={address: {"actions": ["create"]}},
        )
    )
    body = comment.of_plan(plan, "poc", SOURCE)
    rest = dead(body)

    for word in ("@", "img", "evil", "script", "heading", "::", "\x1b", "\u202e", "|"):
        assert word not in rest, rest
    assert rest.count("<!--") == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", body)
    assert comment.marker(body) == Marker("plan", "poc", fingerprint(plan))


@pytest.mark.parametrize("text", ["`", "``", "a`b", "`a", "a``b`c", "", " ", "\\`"])
def test_a_span_of_code_is_never_ended_from_within(text: str) -> None:
    assert dead(code(text)) == ""


@pytest.mark.parametrize("character", ["x", "ä", "\N{GRINNING FACE}", "`"])
def test_a_comment_is_never_longer_than_github_takes(character: str) -> None:
    name = character * 900
    plan = parse(
        document(
            *(
                updated(f'aws_sqs_queue.this["{number}-{name}"]', {"a": name}, {"a": name * 2})
                for number in range(300)
            )
        )
    )
    body = comment.of_plan(plan, "poc", SOURCE)

    assert 50_000 < len(body.encode()) < 65_536
    assert "The rest does not fit here" in body
    assert comment.marker(body) == Marker("plan", "poc", fingerprint(plan))
    assert "xxx" not in dead(body)


@pytest.mark.parametrize("character", ["x", "\N{GRINNING FACE}", "`"])
def test_neither_is_that_of_a_failure(character: str) -> None:
    """GitHub may count as JavaScript does, which takes a smiley for two."""
    body = comment.of_failure(f"{character * 9_000}\n" * 90, "poc", SOURCE)

    assert len(body.encode("utf-16-le")) // 2 < 65_536
    assert character not in dead(body)


def test_a_long_value_is_cut_and_says_how_long_it_is() -> None:
    plan = parse(document(updated("aws_sqs_queue.this", {"a": "x" * 5_000}, {"a": "y"})))

    assert "… (5002 characters)" in comment.of_plan(plan, "poc", SOURCE)


def test_sensitive_values_are_in_no_comment() -> None:
    plan = parse(
        document(
            updated(
                "aws_sqs_queue.this",
                {"password": "hunter1"},
                {"password": "hunter2"},
                after_sensitive={"password": True},
            )
        )
    )
    body = comment.of_plan(plan, "poc", SOURCE)

    assert "hunter" not in body
    assert "password: (sensitive) -> (sensitive)" in body


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello\n<!-- stargate-plan poc -->",
        "> <!-- stargate-plan poc -->",
        "<!-- stargate-plan POC -->",
        "<!-- stargate-plan poc 1234 -->",
        "<!-- stargate-other poc -->",
    ],
)
def test_only_a_marker_in_the_first_line_is_one(body: str) -> None:
    assert comment.marker(body) is None

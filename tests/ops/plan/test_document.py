"""Plans as Terraform writes them."""

from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.plan.document import SENSITIVE, UNKNOWN, Action, parse, read
from ops.plan.fingerprint import fingerprint
from tests.ops.plan.plans import created, deleted, document, resource, updated


def test_every_kind_of_change_is_told_worst_first() -> None:
    plan = parse(
        document(
            created("aws_sqs_queue.made"),
            updated("aws_sqs_queue.changed", {"a": 1}, {"a": 2}),
            deleted("aws_sqs_queue.gone"),
            resource("aws_sqs_queue.anew", ["delete", "create"], {"a": 1}, {"a": 2}),
            resource("aws_sqs_queue.before_it_goes", ["create", "delete"], {"a": 1}, {"a": 2}),
            resource("aws_sqs_queue.let_go", ["forget"], {"a": 1}, None),
            resource("aws_sqs_queue.found", ["no-op"], {}, {}, importing={"id": "q"}),
            resource("aws_sqs_queue.new", ["no-op"], {}, {}, previous_address="aws_sqs_queue.old"),
        )
    )

    assert [(one.action, one.address.split(".")[1]) for one in plan.changes] == [
        (Action.DELETE, "gone"),
        (Action.REPLACE, "anew"),
        (Action.REPLACE, "before_it_goes"),
        (Action.FORGET, "let_go"),
        (Action.UPDATE, "changed"),
        (Action.CREATE, "made"),
        (Action.IMPORT, "found"),
        (Action.MOVE, "new"),
    ]


def test_what_stays_and_what_is_only_read_is_no_change() -> None:
    plan = parse(
        document(
            resource("aws_sqs_queue.same", ["no-op"], {"a": 1}, {"a": 1}),
            resource("data.aws_region.here", ["read"], None, {}, mode="data", kind="aws_region"),
            output_changes={"same": {"actions": ["no-op"]}, "other": {"actions": ["update"]}},
        )
    )

    assert plan.changes == ()
    assert plan.outputs == ("other",)
    assert not plan.is_empty


def test_a_plan_without_changes_is_empty() -> None:
    assert parse({"format_version": "1.2"}).is_empty


def test_sensitive_values_are_hidden_however_deep_they_are() -> None:
    (change,) = parse(
        document(
            updated(
                "aws_sqs_queue.this",
                {"password": "old-secret", "list": ["a", "deep-secret"], "map": {"k": "v-secret"}},
                {"password": "new-secret", "list": ["a", "deep-secret"], "map": {"k": "w-secret"}},
                before_sensitive={"password": True, "list": [False, True], "map": {"k": True}},
                after_sensitive={},
            )
        )
    ).changes

    assert change.after == {
        "password": SENSITIVE,
        "list": ["a", SENSITIVE],
        "map": {"k": SENSITIVE},
    }
    assert "secret" not in repr(change)
    assert change.differing == ("map", "password")


def test_what_is_sensitive_as_a_whole_is_hidden_as_a_whole() -> None:
    (change,) = parse(
        document(
            updated("aws_sqs_queue.this", {"a": "secret"}, {"a": "secret2"}, after_sensitive=True)
        )
    ).changes

    assert change.before == change.after == {"a": SENSITIVE}
    assert change.differing == ("a",)


def test_values_that_only_the_apply_knows_say_so() -> None:
    (change,) = parse(
        document(
            updated(
                "aws_sqs_queue.this",
                {"arn": "x", "list": ["a"]},
                {"list": [None]},
                after_unknown={"arn": True, "list": [True], "tags": {}},
            )
        )
    ).changes

    assert change.after == {"arn": UNKNOWN, "list": [UNKNOWN]}
    assert change.differing == ("arn", "list")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("[]", "list"),
        ('{"format_version": "2.0"}', "format is 2.0"),
        ('{"resource_changes": []}', "format_version"),
        ('{"format_version": "1.2", "resource_changes": [{}]}', "change"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_the_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)

    with pytest.raises(OpsError, match=r"plan\.json is no plan") as raised:
        read(path)

    assert said in raised.value.message


def test_an_action_that_is_not_known_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown action, explode"):
        parse(document(resource("aws_sqs_queue.this", ["explode"], {}, {})))


def test_no_file_means_that_there_is_no_plan(tmp_path: Path) -> None:
    assert read(tmp_path / "plan.json") is None


def test_the_fingerprint_is_of_what_will_change_and_of_nothing_else() -> None:
    change = updated("aws_sqs_queue.this", {"a": 1, "b": 1}, {"a": 2, "b": 1})
    elsewhere = updated("aws_sqs_queue.this", {"a": 1, "b": 7}, {"a": 2, "b": 7})
    plan = parse(document(change, timestamp="2026-11-23T10:00:00Z"))

    assert fingerprint(plan) == fingerprint(parse(document(elsewhere, timestamp="later")))
    for other in (
        updated("aws_sqs_queue.this", {"a": 1}, {"a": 3}),
        updated("aws_sqs_queue.this", {"a": 0}, {"a": 2}),
        updated("aws_sqs_queue.other", {"a": 1}, {"a": 2}),
        deleted("aws_sqs_queue.this"),
    ):
        assert fingerprint(parse(document(other))) != fingerprint(plan)


def test_nobody_can_guess_a_secret_by_the_fingerprint() -> None:
    marks = {"before_sensitive": {"a": True}, "after_sensitive": {"a": True}}
    one = updated("aws_sqs_queue.this", {"a": "hunter1"}, {"a": "hunter2"}, **marks)
    other = updated("aws_sqs_queue.this", {"a": "hunter1"}, {"a": "hunter3"}, **marks)

    assert fingerprint(parse(document(one))) == fingerprint(parse(document(other)))

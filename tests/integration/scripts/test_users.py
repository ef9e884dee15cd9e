"""`scripts/users` against a running gateway."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import may_use, message, status_of
from tests.support.processes import MASTER_KEY, ROOT
from tests.support.stack import Stack, running_stack

SECRET = re.compile(r"sk-[A-Za-z0-9_-]{22}")


def run(
    stack: Stack,
    *arguments: str,
    script: str = "users",
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [ROOT / "scripts" / script, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "GATEWAY_INTERNAL_URL": stack.gateway.internal_url,
            "GATEWAY_MASTER_KEY": MASTER_KEY,
            **(environment or {}),
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def ok(stack: Stack, *arguments: str, **options: Any) -> str:
    done = run(stack, *arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_json(stack: Stack, *arguments: str) -> Any:
    return json.loads(ok(stack, *arguments, "--json"))


@pytest.mark.parametrize("script", ["users", "litellm-users.sh"])
def test_the_examples_of_before_run_unchanged(own_stack: Stack, script: str) -> None:
    user = ok(
        own_stack,
        "create-user",
        "--email",
        "user@example.com",
        "--budget",
        "50",
        "--duration",
        "monthly",
        script=script,
    )
    key = ok(
        own_stack,
        "create-key",
        "--alias",
        "haiku-only",
        "--models",
        '["claude-haiku-4-5"]',
        "--budget",
        "10",
        script=script,
    )
    users, keys = (ok(own_stack, verb, script=script) for verb in ("list-users", "list-keys"))

    assert status_of(own_stack.gateway, SECRET.findall(user)[0]) == 200
    assert may_use(own_stack.gateway, SECRET.findall(key)[0]) == {"claude-haiku-4-5"}
    assert re.search(r"user@example\.com +internal_user +50\.00 monthly +0\.00 +all", users)
    assert re.search(r"haiku-only +sk-\.\.\.\S{4} +- +10\.00 +0\.00 +claude-haiku-4-5", keys)
    assert not SECRET.search(users + keys)


def test_help_names_every_verb_and_what_one_takes(stack: Stack) -> None:
    general = ok(stack, "help", script="litellm-users.sh")

    for verb in (
        "help",
        "create-user",
        "list-users",
        "get-user",
        "delete-user",
        "create-key",
        "list-keys",
        "delete-key",
        "update-budget",
        "block",
        "unblock",
        "rotate-key",
        "spend",
        "import",
    ):
        assert re.search(rf"^    {verb}\s", general, re.MULTILINE)
    assert "--soft-budget" in ok(stack, "help", "update-budget")
    assert ok(stack) == general


def test_it_runs_from_another_python_in_another_folder(stack: Stack, tmp_path: Path) -> None:
    base = Path(sys.base_prefix) / "bin" / "python3"

    done = subprocess.run(
        [base, ROOT / "scripts" / "users", "help"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "rotate-key" in done.stdout


def test_a_user_is_shown_blocked_and_deleted_by_address_or_id(own_stack: Stack) -> None:
    made = as_json(
        own_stack,
        "create-user",
        "--email",
        "Ada@example.org",
        "--user-id",
        "ada",
        "--alias",
        "Ada",
        "--role",
        "proxy_admin_viewer",
        "--rpm",
        "60",
        "--models",
        "claude-haiku-4-5,claude-opus-5-5",
        "--model-budget",
        "claude-opus-5-5=10/1mo",
        "--key-alias",
        "adas-laptop",
    )

    shown = ok(own_stack, "get-user", "ada@example.org")
    assert "role       proxy_admin_viewer\nstate      active\n" in shown
    assert "adas-laptop" in shown
    assert made["model_max_budget"] == {
        "claude-opus-5-5": {"budget_limit": 10, "time_period": "1mo"}
    }
    ok(own_stack, "block", "--user", "ada")
    assert status_of(own_stack.gateway, made["key"]) == 401
    assert [row["user_id"] for row in as_json(own_stack, "list-users", "--blocked")] == ["ada"]
    ok(own_stack, "unblock", "--user", "ada")
    assert status_of(own_stack.gateway, made["key"]) == 200
    assert ok(own_stack, "delete-user", "ada", "--yes") == "User ada@example.org deleted.\n"
    assert as_json(own_stack, "list-users") == []


def test_no_budget_is_a_choice(database_url: str, tmp_path: Path) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_DEFAULT_USER_MAX_BUDGET="25") as stack:
        said = [
            ok(stack, "create-user", "--email", f"{n}@example.org", *options)
            for n, options in enumerate(([], ["--budget", "7"], ["--no-budget"]))
        ]
        team = tmp_path / "team.csv"
        team.write_text("email,budget\nx@example.org,\ny@example.org,7\nz@example.org,none\n")
        ok(stack, "import", str(team), "--no-keys")
        users = {row["user_email"]: row["max_budget"] for row in as_json(stack, "list-users")}

    assert [re.findall("Budget: (.*); models: all", text) for text in said] == [
        ["25.00 1mo"],
        ["7.00"],
        ["unlimited"],
    ]
    assert [users[f"{name}@example.org"] for name in "012xyz"] == [25, 7, None] * 2


def test_a_user_without_a_key(own_stack: Stack) -> None:
    assert "sk-" not in ok(own_stack, "create-user", "--email", "a@example.org", "--no-key")


def test_a_key_is_named_by_alias_or_token_and_can_be_rotated(own_stack: Stack) -> None:
    ok(own_stack, "create-user", "--email", "ada@example.org", "--no-key")
    made = as_json(
        own_stack,
        "create-key",
        "--alias",
        "laptop",
        "--user",
        "ada@example.org",
        "--expires",
        "90d",
        "--tags",
        "ci,backend",
    )

    rotated = ok(own_stack, "rotate-key", "laptop", "--grace", "24h")
    (new,) = SECRET.findall(rotated)
    assert "The old one goes on working for 24h." in rotated
    assert [status_of(own_stack.gateway, key) for key in (made["key"], new)] == [200, 200]
    ok(own_stack, "rotate-key", made["token"])
    assert status_of(own_stack.gateway, new) == 401
    ok(own_stack, "block", "--key", "laptop")
    assert "blocked" in ok(own_stack, "list-keys", "--user", "ada@example.org")
    ok(own_stack, "delete-key", "laptop", "--yes")
    assert as_json(own_stack, "list-keys") == []


def test_a_key_itself_is_asked_for_and_never_taken_from_the_command_line(stack: Stack) -> None:
    key = stack.gateway.new_key()

    refused = run(stack, "rotate-key", key)
    rotated = ok(stack, "rotate-key", "-", stdin=f"{key}\n")

    assert refused.returncode == 2
    assert key not in refused.stdout + refused.stderr
    assert status_of(stack.gateway, SECRET.findall(rotated)[0]) == 200


def test_a_budget_is_changed_increased_and_taken_away(own_stack: Stack) -> None:
    ok(own_stack, "create-key", "--alias", "k", "--budget", "1")

    daily = ok(own_stack, "update-budget", "--key", "k", "--budget", "$2.50", "--duration", "daily")
    more = ok(own_stack, "update-budget", "--key", "k", "--increase", "5", "--until", "7d")
    none = ok(own_stack, "update-budget", "--key", "k", "--clear", "budget", "--clear", "increase")

    assert daily == "The budget of The key k is 2.50 daily now.\n"
    assert "2.50 daily (+5.00 until " in more
    assert "unlimited" in none


def test_spend_of_all_of_a_user_and_of_a_key(own_stack: Stack) -> None:
    made: dict[str, Any] = {}
    for name in ("idle", "busy"):
        made = as_json(
            own_stack,
            "create-user",
            "--user-id",
            name,
            "--budget",
            "5",
            "--duration",
            "1mo",
            "--key-alias",
            f"{name}-key",
        )
    assert message(own_stack.gateway, made["key"]).status_code == 200
    cost = f"{own_stack.spend_log()[0]['cost'].normalize():f}"

    top = ok(own_stack, "spend").splitlines()
    assert re.fullmatch(rf"busy +{cost} +{cost}  5\.00 1mo", top[1])
    assert top[2].startswith("idle ")
    assert ok(own_stack, "spend", "--user", "busy").startswith(
        f"The user busy spent {cost} of 5.00 1mo in this window, {cost} in all.\n"
    )
    assert f"The key busy-key spent {cost} of unlimited" in ok(
        own_stack, "spend", "--key", "busy-key"
    )


@pytest.mark.parametrize("verb", [("delete-user", "ada"), ("delete-key", "laptop")])
def test_nothing_is_deleted_unasked(own_stack: Stack, verb: tuple[str, str]) -> None:
    ok(own_stack, "create-user", "--user-id", "ada", "--key-alias", "laptop")

    refused = run(own_stack, *verb)

    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert len(as_json(own_stack, "list-keys")) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (("list-users",), {"GATEWAY_INTERNAL_URL": "http://127.0.0.1:9"}, 3, "does not answer"),
        (
            ("list-users",),
            {"GATEWAY_MASTER_KEY": "sk-wrong-key-of-nobody"},
            4,
            "Authentication failed",
        ),
        (("get-user", "nobody"), {}, 5, "There is no user 'nobody'"),
        (("delete-key", "none", "--yes"), {}, 5, "There is no key 'none'"),
        (("create-key", "--models", "claude-hiku"), {}, 1, "try one of: claude-haiku"),
        (("create-user", "--budget", "lots"), {}, 2, "'lots' is not a valid amount in USD"),
        (("update-budget", "--user", "u"), {}, 2, "Say what to change"),
        (("frobnicate",), {}, 2, "invalid choice"),
        (("list-users",), {"GATEWAY_MASTER_KEY": "", "HOME": "/"}, 2, "no key to administer"),
    ],
)
def test_what_goes_wrong_has_a_reason_and_a_code(
    stack: Stack, arguments: tuple[str, ...], environment: dict[str, str], code: int, said: str
) -> None:
    done = run(stack, *arguments, environment=environment)

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert MASTER_KEY not in done.stderr


def test_whoever_may_not_is_told_what_it_takes(stack: Stack) -> None:
    done = run(stack, "list-users", environment={"GATEWAY_MASTER_KEY": stack.gateway.new_key()})

    assert done.returncode == 4
    assert "requires the user_role proxy_admin" in done.stderr


def test_litellms_name_of_the_master_key_does_too(stack: Stack) -> None:
    environment = {"GATEWAY_MASTER_KEY": "", "LITELLM_MASTER_KEY": MASTER_KEY}

    assert run(stack, "list-users", environment=environment).returncode == 0


TEAM = """\
email,alias,budget,duration,models,role,key_alias
ada@example.org,Ada,50,monthly,claude-haiku-4-5;claude-sonnet-4-5,,ada-key
grace@example.org,Grace,,,,proxy_admin_viewer,
linus@example.org,"Linus, the younger",10,30d,claude-haiku-4-5,,
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    file = tmp_path / "team.csv"
    file.write_text(TEAM)
    return file


def test_a_team_is_imported_with_keys_in_a_file_of_the_owners_alone(
    own_stack: Stack, team: Path
) -> None:
    keys = team.with_name("keys.csv")

    done = run(own_stack, "import", str(team), "--keys", str(keys))

    assert done.returncode == 0, done.stderr
    assert done.stdout == "3 users made, 0 existed already.\n"
    assert "2 of 3: grace@example.org" in done.stderr
    assert not SECRET.search(done.stdout + done.stderr)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    head, *lines = keys.read_text().splitlines()
    assert head == "user_id,email,key_alias,key"
    assert [status_of(own_stack.gateway, line.split(",")[-1]) for line in lines] == [200] * 3
    ada, grace, linus = as_json(own_stack, "list-users")
    assert (ada["max_budget"], ada["budget_duration"], ada["user_alias"]) == (50, "monthly", "Ada")
    assert ada["models"] == ["claude-haiku-4-5", "claude-sonnet-4-5"]
    assert (grace["max_budget"], grace["user_role"]) == (None, "proxy_admin_viewer")
    assert linus["user_alias"] == "Linus, the younger"


def test_an_import_that_was_interrupted_is_run_again(own_stack: Stack, team: Path) -> None:
    keys = team.with_name("keys.csv")
    ok(own_stack, "create-user", "--email", "GRACE@example.org", "--no-key")
    ok(own_stack, "create-key", "--alias", "ada-key")

    first = run(own_stack, "import", str(team), "--keys", str(keys))
    ok(own_stack, "delete-key", "ada-key", "--yes")
    second = run(own_stack, "import", str(team), "--keys", str(keys))
    third = run(own_stack, "import", str(team), "--keys", str(keys))

    assert first.returncode == 1
    assert "line 2 (ada@example.org): A key with the alias 'ada-key' exists already" in first.stderr
    assert second.stdout == "2 users made, 1 existed already.\n"
    assert "grace@example.org exists already, and stays as it is" in second.stderr
    assert third.stdout == "0 users made, 3 existed already.\n"
    assert len(keys.read_text().splitlines()) == 3


def test_rows_that_do_not_fit_are_named_by_line_before_anything_is_done(
    own_stack: Stack, team: Path
) -> None:
    team.write_text(
        "email,budget,duration,models,role\n"
        "ada@example.org,5,1mo,claude-haiku-4-5,\n"
        "no address,lots,sometimes,claude-hiku,king\n"
        ",1,,,\n"
        "ADA@example.org,,,,\n"
        "short\n"
    )

    done = run(own_stack, "import", str(team), "--no-keys")

    assert done.returncode == 2
    assert "nothing was done" in done.stderr
    for said in (
        "line 3: email: 'no address' is not a valid e-mail address",
        "line 3: budget: 'lots' is not a valid amount in USD",
        "line 3: duration: 'sometimes' is not a duration",
        "line 3: models: 'claude-hiku' is none of claude-",
        "line 3: role: 'king' is none of proxy_admin",
        "line 4: neither email nor user_id",
        "line 5: ADA@example.org was on line 2 already",
        "line 6: 5 columns were to be expected",
    ):
        assert said in done.stderr
    assert as_json(own_stack, "list-users") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [("email,team\na@b,c\n", "no columns team"), ("email\na@b.org\n", "Where do the keys go?")],
)
def test_an_import_that_makes_no_sense_does_nothing(
    own_stack: Stack, team: Path, text: str, said: str
) -> None:
    team.write_text(text)

    done = run(own_stack, "import", str(team))

    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert as_json(own_stack, "list-users") == []


def test_a_check_makes_nothing(own_stack: Stack, team: Path) -> None:
    assert ok(own_stack, "import", str(team), "--check") == "3 users would be made.\n"
    assert as_json(own_stack, "list-users") == []


def test_keys_are_not_added_to_a_file_that_others_can_read(own_stack: Stack, team: Path) -> None:
    keys = team.with_name("keys.csv")
    keys.touch(0o644)

    done = run(own_stack, "import", str(team), "--keys", str(keys))

    assert (done.returncode, "chmod 600" in done.stderr) == (2, True)
    assert as_json(own_stack, "list-users") == []

"""docs/ops.md, read off the commands: `python -m ops.reference`; a test fails while it is not."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ops import cli, diagnostics
from ops.commands import COMMANDS, Command
from ops.exits import Exit

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "ops.md"

INTRODUCTION: Final = """\
# ops

`./dev ops` runs the platform on AWS: what it is used for, and in which order, is in
[operations](operations.md); when something is wrong, begin [on call](runbooks/README.md). On a
machine with nothing but Python it sets up what it needs the first time; `python -m ops` is the same
within `.venv`, and in a workflow.

```bash
./dev ops --env poc ecs status
./dev ops --env poc ecs logs gateway --since 2h --filter ERROR
./dev ops --env poc ecs restart gateway          # shows what it would do
./dev ops --env poc ecs restart gateway --yes    # does it, and waits until it is stable
```

Reads are safe. Writes show what they would change, and do it with `--yes`. What would hit much
(more than one service, prod scaled to nothing, an image of another repository) wants `--force` as
well. A wait tells each change and each event of ECS, ends at the first deployment that failed, and
may be left with Ctrl-C: what was begun goes on in AWS.

`ecs logs --file` downloads all that was written in a period, in order and complete; what is shown
is in the JSON object as well, up to its last 500 lines.

Results go to stdout, progress to stderr. `--output json` is one object, however the run ended, with
money as text so that no digit is lost; `--output github`, usual in a workflow, is annotations and a
step summary in which nothing that a log line or a name holds is taken for a command or for markup.

## Authorization

On a laptop: `aws sso login`, and `AWS_PROFILE`. In a workflow: the role `ops-<environment>`, which
may do what the commands call and no more
([roles_ops.tf](../infra/terraform/bootstrap/roles_ops.tf); a test compares the two). Nothing is
asked of an account that is not the one in `STARGATE_ACCOUNT_ID`.

`gateway spend`, `gateway keys`, `gateway ledger` and the commands of `secrets` speak to the
gateway's internal address, which is reachable only from the VPC or the VPN. The master key comes
from `GATEWAY_MASTER_KEY`, or else from Secrets Manager; never from the command line.

| variable | what it says |
|---|---|
| `STARGATE_ENV` | the environment, where `--env` does not |
| `STARGATE_ACCOUNT_ID` | the account that the environment is in |
| `STARGATE_PROJECT` | the first part of all names, if it is not `stargate` |
| `AWS_REGION` | the region, if it is not the environment's |
| `GATEWAY_URL`, `GATEWAY_INTERNAL_URL` | where the gateway is |
| `GATEWAY_MASTER_KEY` | the key that administers it |
| `GATEWAY_SMOKE_KEY` | the smoke test's key; without it, `--internal-url` has one made |

## Deployment

`ecs deploy --image …/gateway@sha256:…` registers the running task definition anew with that
image, updates the service, waits, and asks the gateway some real, tiny questions, with a key of its
own that lives for an hour at most and may spend 5 cents. If ECS gives the deployment up, or the
gateway does not answer as it should, the revision of before is deployed again and the command
ends with code 10. `--migrate` runs the image's migration first; if that fails, the gateway is not
touched. Write the image into the environment's `terraform.tfvars` afterwards: the next apply
deploys what stands there. `ecs rollback` goes back by hand.

`ecs scale` changes autoscaling's bounds where these would undo the number; the next apply sets them
again.

## Rotate the master key

`secrets rotate-master-key` puts a new value beside the old one, makes it the current one, restarts
the gateway, and checks that the new key is taken and the old one refused. If any of that fails, the
old value is made current again and the gateway restarted. The gateway knows one master key at a
time: while its tasks change, old ones take the old key and new ones the new. Developers' keys are
not touched by it.

## Rotate the database password

`secrets rotate-database-password` does the same for the gateway's role in PostgreSQL: the secret,
then the role by the task `database-setup`, then the gateway's tasks; then it sees that they reach
the database. PostgreSQL has one password for a role and asks for it only when a connection is
opened, so what is open stays open; an old task that needs one more connection answers 503 until it
is replaced. With `--older-than 90d` both leave alone what is younger.

## Restore drill

`rds restore-drill` restores the database's newest moment to an instance of its own, asks both what
was spent in the week before, compares to the last digit, says how long it took, and deletes the
copy, also when something fails. The role may delete no other instance.

## Exec into a container

`ecs exec` runs a diagnostic by name. `--command "ls -la /tmp"` runs anything, but not in a
workflow, whose log others can read. No plugin is needed. What was run and what it answered is
recorded in the log group `/stargate-<environment>/exec` (`ecs logs exec`).

| diagnostic | what it tells |
|---|---|
"""

GENERATED: Final = """
## Commands

This page is written by `python -m ops.reference`.
"""


class Described(argparse.ArgumentParser):
    """Remembers what a command asks for; argparse's own help differs between versions of Python."""

    def __init__(self) -> None:
        super().__init__(add_help=False)
        self.arguments: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def add_argument(self, *names: str, **told: Any) -> argparse.Action:
        self.arguments.append((names, told))
        return super().add_argument(*names, **told)


def page() -> str:
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield INTRODUCTION.rstrip("\n")
    for one in diagnostics.ALL.values():
        yield f"| `{one.name}` | {one.help} |"
    yield GENERATED.rstrip("\n")
    for path, command in COMMANDS.items():
        yield ""
        yield from _command(path, command)
    yield "\n### Options of all commands\n"
    shared = Described()
    cli.shared_options(shared.add_argument)
    yield from _table(shared)
    yield "\n## Exit codes\n\n| code | name | meaning |\n|---|---|---|"
    for code in Exit:
        yield f"| {int(code)} | `{code.name}` | {code.meaning} |"


def _command(path: str, command: Command) -> Iterator[str]:
    yield f"### `{path}`"
    yield ""
    yield f"{command.HELP[0].upper()}{command.HELP[1:]}."
    described = Described()
    command.arguments(described)
    if described.arguments:
        yield ""
        yield from _table(described)


def _table(described: Described) -> Iterator[str]:
    yield "| argument | what it says |"
    yield "|---|---|"
    for names, told in described.arguments:
        shown = ", ".join(f"`{name}`" for name in names)
        text = str(told.get("help", "")).replace("|", "\\|").replace("%%", "%")
        required = " (required)" if told.get("required") else ""
        yield f"| {shown} | {text}{required} |"


if __name__ == "__main__":
    PAGE.write_text(page())

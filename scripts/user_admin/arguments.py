"""The commands and their options."""

import argparse
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from scripts.user_admin.credentials import HELP

ROLES = ("proxy_admin", "proxy_admin_viewer", "internal_user")

EXAMPLES = """\
examples:
  create-user --email user@example.com --budget 50 --duration monthly
  create-key --alias "haiku-only" --models '["claude-haiku-4-5"]' --budget 10
  update-budget --user user@example.com --increase 20 --until 7d
  rotate-key haiku-only --grace 24h
  import team.csv --keys team-keys.csv

exit codes: 0 success, 1 rejected, 2 usage error, 3 gateway unreachable, 4 forbidden, 5 not found

"""


def usd(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid amount in USD") from None
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid amount in USD")
    return amount


def names(text: str) -> list[str]:
    """Of a JSON list, or of names separated by commas."""
    if not text.lstrip().startswith("["):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        listed = json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON list") from None
    if not all(isinstance(name, str) for name in listed):
        raise argparse.ArgumentTypeError(f"{text!r} holds more than names")
    return list(listed)


def model_budget(text: str) -> tuple[str, dict[str, object]]:
    """Of `model=10` or `model=10/1mo`."""
    model, equals, rest = text.rpartition("=")
    amount, _, duration = rest.partition("/")
    if not equals or not model:
        raise argparse.ArgumentTypeError(f"{text!r}: write model=USD or model=USD/duration")
    return model, {"budget_limit": usd(amount), "time_period": duration or None}


class _Help(argparse.RawDescriptionHelpFormatter):
    """With room for the longest command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=24)


def parser(prog: str) -> argparse.ArgumentParser:
    """Every command sets `command`; options that were not given are not there."""
    top = argparse.ArgumentParser(
        prog=prog,
        description=f"Users, keys and budgets of the gateway.\n\n{HELP}",
        epilog=EXAMPLES,
        formatter_class=_Help,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str, *groups: Callable[[argparse.ArgumentParser], None]) -> None:
        made = commands.add_parser(
            name, help=text, description=text, argument_default=argparse.SUPPRESS
        )
        made.add_argument("--json", action="store_true", help="JSON instead of tables")
        for group in groups:
            group(made)

    command("help", "show this help, or that of a command", _topic)
    command(
        "create-user",
        "create a user and a first key",
        _identity,
        _role,
        _budget,
        _no_budget,
        _speed,
        _first_key,
    )
    command("list-users", "list users with their spend", _user_filters)
    command("get-user", "show a user with keys", _one_user)
    command("delete-user", "delete a user with all keys", _one_user, _sure)
    command("create-key", "create a key, optionally owned by a user", _new_key, _budget, _speed)
    command("list-keys", "list keys with their spend", _key_filters)
    command("delete-key", "delete a key", _one_key, _sure)
    command("update-budget", "change the budget of a user or a key", _target, _budget_changes)
    command("block", "block a user or a key", _target)
    command("unblock", "unblock a user or a key", _target)
    command("rotate-key", "replace a key's secret", _one_key, _rotation)
    command("spend", "spend by user or key, or of one of them", _spend)
    command("import", "create the users of a CSV file", _import)
    return top


Parser = argparse.ArgumentParser


def _topic(p: Parser) -> None:
    p.add_argument("topic", nargs="?", default=None, metavar="COMMAND")


def _identity(p: Parser) -> None:
    p.add_argument("--email", dest="user_email")
    p.add_argument("--user-id", dest="user_id", help="generated if omitted")
    p.add_argument("--alias", dest="user_alias", help="the user's name")


def _role(p: Parser) -> None:
    p.add_argument("--role", dest="user_role", choices=ROLES)


def _budget(p: Parser) -> None:
    p.add_argument("--budget", dest="max_budget", type=usd, metavar="USD")
    p.add_argument(
        "--soft-budget",
        dest="soft_budget",
        type=usd,
        metavar="USD",
        help="warn above this amount",
    )
    p.add_argument(
        "--duration",
        dest="budget_duration",
        metavar="DURATION",
        help="budget reset interval: monthly, weekly, daily, 1mo, 7d, 24h…",
    )
    p.add_argument("--budget-id", dest="budget_id", help="a budget made by /budget/new")
    p.add_argument(
        "--models", type=names, metavar="LIST", help="""'["a", "b"]' or a,b; none means all"""
    )
    p.add_argument(
        "--model-budget",
        dest="model_budgets",
        type=model_budget,
        action="append",
        metavar="MODEL=USD/DURATION",
    )


def _no_budget(p: Parser) -> None:
    p.add_argument(
        "--no-budget",
        dest="max_budget",
        action="store_const",
        const=None,
        help="no limit; without this and --budget, the gateway's default budget",
    )


def _speed(p: Parser) -> None:
    p.add_argument("--rpm", dest="rpm_limit", type=int, help="requests a minute")
    p.add_argument("--tpm", dest="tpm_limit", type=int, help="tokens a minute")
    p.add_argument("--parallel", dest="max_parallel_requests", type=int, help="requests at once")


def _first_key(p: Parser) -> None:
    p.add_argument("--no-key", dest="auto_create_key", action="store_false", help="make no key")
    p.add_argument("--key-alias", dest="key_alias")
    p.add_argument("--key-expires", dest="duration", metavar="DURATION", help="as 90d")


def _new_key(p: Parser) -> None:
    p.add_argument("--alias", dest="key_alias")
    p.add_argument("--user", metavar="USER", help="a user's id or e-mail address")
    p.add_argument("--expires", dest="duration", metavar="DURATION", help="as 90d")
    p.add_argument("--tags", type=names, metavar="LIST")


def _user_filters(p: Parser) -> None:
    p.add_argument("--email", dest="user_email", help="a part of it")
    p.add_argument("--role", choices=ROLES)
    p.add_argument("--blocked", action="store_true", help="those alone that are blocked")


def _key_filters(p: Parser) -> None:
    p.add_argument("--user", metavar="USER", help="a user's id or e-mail address")
    p.add_argument("--alias", dest="key_alias", help="a part of it")
    p.add_argument("--blocked", action="store_true", help="those alone that are blocked")


def _one_user(p: Parser) -> None:
    p.add_argument("user", metavar="USER", help="a user's id or e-mail address")


def _one_key(p: Parser) -> None:
    p.add_argument("key", metavar="KEY", help="its alias or token; - asks for the key itself")


def _target(p: Parser) -> None:
    which = p.add_mutually_exclusive_group(required=True)
    which.add_argument("--user", metavar="USER", help="a user's id or e-mail address")
    which.add_argument("--key", metavar="KEY", help="a key's alias or token")


def _budget_changes(p: Parser) -> None:
    _budget(p)
    _speed(p)
    p.add_argument(
        "--increase",
        dest="temp_budget_increase",
        type=usd,
        metavar="USD",
        help="on top of the budget, for a while",
    )
    p.add_argument(
        "--until", dest="temp_budget_expiry", metavar="WHEN", help="how long, as 7d, or until when"
    )
    p.add_argument(
        "--clear",
        action="append",
        metavar="OPTION",
        help="take a limit away: budget, soft-budget, duration, models, increase, rpm…",
    )


def _rotation(p: Parser) -> None:
    p.add_argument(
        "--grace",
        dest="grace_period",
        metavar="DURATION",
        help="how long the old one goes on working, as 24h; else it stops at once",
    )


def _spend(p: Parser) -> None:
    which = p.add_mutually_exclusive_group()
    which.add_argument("--user", metavar="USER", help="a user's id or e-mail address")
    which.add_argument("--key", metavar="KEY", help="a key's alias or token")
    p.add_argument("--top", type=int, help="how many; 20 if not given")


def _sure(p: Parser) -> None:
    p.add_argument("--yes", action="store_true", help="do not ask")


def _import(p: Parser) -> None:
    p.add_argument(
        "file",
        metavar="FILE.csv",
        help="columns: email, user_id, alias, role, budget, soft_budget, duration, "
        "budget_id, models, rpm, tpm, parallel, key_alias, key_expires; an empty budget is the "
        "gateway's default, none is no limit",
    )
    p.add_argument(
        "--keys", metavar="FILE.csv", help="gets the keys, for the owner of the file alone to read"
    )
    p.add_argument("--no-keys", action="store_true", help="make users without keys")
    p.add_argument("--check", action="store_true", help="only say what would be done")

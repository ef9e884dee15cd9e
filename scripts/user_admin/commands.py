"""What each command does."""

import argparse
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from scripts.user_admin import naming
from scripts.user_admin.client import Client
from scripts.user_admin.errors import Failure, Misuse
from scripts.user_admin.import_team import import_team
from scripts.user_admin.output import Result, usd

Options = dict[str, Any]

CLEARED = {
    "budget": ("max_budget",),
    "soft-budget": ("soft_budget",),
    "duration": ("budget_duration",),
    "budget-id": ("budget_id",),
    "models": ("models",),
    "model-budget": ("model_max_budget",),
    "increase": ("temp_budget_increase", "temp_budget_expiry"),
    "rpm": ("rpm_limit",),
    "tpm": ("tpm_limit",),
    "parallel": ("max_parallel_requests",),
}
SHOWN_ONCE = "Save this key now; it cannot be shown again."


def options_of(arguments: argparse.Namespace) -> Options:
    """Those that were given."""
    given = {
        name: value for name, value in vars(arguments).items() if name not in ("command", "json")
    }
    if "model_budgets" in given:
        given["model_max_budget"] = dict(given.pop("model_budgets"))
    return given


def create_user(client: Client, options: Options) -> Result:
    made = client.post("/user/new", **options)
    name = made["user_email"] or made["user_id"]
    lines = [
        f"Created user {name} (id {made['user_id']}).",
        f"Budget: {_budget(made)}; models: {', '.join(made['models']) or 'all'}.",
    ]
    if made["key"]:
        lines += [f"Key: {made['key']}", SHOWN_ONCE]
    return Result(made, lines)


def list_users(client: Client, options: Options) -> Result:
    rows = list(client.users(**options))
    return Result(rows, table=[_user_line(row) for row in rows])


def get_user(client: Client, options: Options) -> Result:
    user_id = naming.user(client, options["user"])["user_id"]
    found = client.get("/user/info", user_id=user_id)
    row = found["user_info"]
    lines = [
        f"user id    {row['user_id']}",
        f"e-mail     {row['user_email'] or '-'}",
        f"name       {row['user_alias'] or '-'}",
        f"role       {row['user_role']}",
        f"state      {'blocked' if row['blocked'] else 'active'}",
        f"models     {', '.join(row['models']) or 'all'}",
        f"budget     {_budget(row)}",
        f"spent      {usd(row['spend'])} in this window, {usd(row['total_spend'])} in all",
        f"keys       {len(found['keys'])}",
        "",
    ]
    return Result(found, lines, [_key_line(key) for key in found["keys"]])


def delete_user(client: Client, options: Options) -> Result:
    row = naming.user(client, options["user"])
    name = row["user_email"] or row["user_id"]
    _confirm(f"Delete the user {name} and {row['key_count']} keys?", options)
    client.post("/user/delete", user_ids=[row["user_id"]])
    return Result({"deleted": row["user_id"]}, [f"User {name} deleted."])


def create_key(client: Client, options: Options) -> Result:
    if "user" in options:
        options["user_id"] = naming.user(client, options.pop("user"))["user_id"]
    made = client.post("/key/generate", **options)
    name = made["key_alias"] or made["key_name"]
    return Result(made, [f"Key {name} made.", f"Key: {made['key']}", SHOWN_ONCE])


def list_keys(client: Client, options: Options) -> Result:
    if "user" in options:
        options["user_id"] = naming.user(client, options.pop("user"))["user_id"]
    rows = list(client.keys(**options))
    return Result(rows, table=[_key_line(row) for row in rows])


def delete_key(client: Client, options: Options) -> Result:
    token = naming.token(client, options["key"])
    row = client.get("/key/info", key=token)["info"]
    name = row["key_alias"] or row["key_name"]
    _confirm(f"Delete the key {name}?", options)
    client.post("/key/delete", keys=[token])
    return Result({"deleted": token}, [f"Key {name} deleted."])


def update_budget(client: Client, options: Options) -> Result:
    changes = {
        name: value for name, value in options.items() if name not in ("user", "key", "clear")
    }
    for word in options.get("clear", ()):
        if word not in CLEARED:
            raise Misuse(f"--clear {word}: there are {', '.join(CLEARED)}")
        changes |= dict.fromkeys(CLEARED[word])
    if not changes:
        raise Misuse("Say what to change: --budget, --duration, --soft-budget, --models, --clear…")
    row = _changed(client, options, "update", changes)
    return Result(row, [f"The budget of {_name(row)} is {_budget(row)} now."])


def block(client: Client, options: Options) -> Result:
    row = _changed(client, options, "block", {})
    return Result(row, [f"{_name(row)} is blocked."])


def unblock(client: Client, options: Options) -> Result:
    row = _changed(client, options, "unblock", {})
    return Result(row, [f"{_name(row)} is not blocked any more."])


def rotate_key(client: Client, options: Options) -> Result:
    token = naming.token(client, options.pop("key"))
    made = client.post("/key/regenerate", key=token, **options)
    grace = options.get("grace_period")
    old = f"The old one goes on working for {grace}." if grace else "The old one has stopped."
    name = made["key_alias"] or made["key_name"]
    return Result(made, [f"{name} has a new key. {old}", f"Key: {made['key']}", SHOWN_ONCE])


def spend(client: Client, options: Options) -> Result:
    if "user" in options:
        user_id = naming.user(client, options["user"])["user_id"]
        found = client.get("/user/info", user_id=user_id)
        lines = [_spent(found["user_info"]), ""]
        return Result(found, lines, [_key_line(key) for key in found["keys"]])
    if "key" in options:
        row = client.get("/key/info", key=naming.token(client, options["key"]))["info"]
        return Result(row, [_spent(row)])
    top = options.get("top", 20)
    rows = list(islice(client.users(sort_by="spend", sort_order="desc"), top))
    table = [
        {
            "user": row["user_email"] or row["user_id"],
            "this window": Decimal(row["spend"]),
            "in all": Decimal(row["total_spend"]),
            "budget": _budget(row),
        }
        for row in rows
    ]
    return Result(rows, table=table)


def _changed(client: Client, options: Options, command: str, changes: Options) -> dict[str, Any]:
    """The row of the user or key that was changed."""
    if "user" in options:
        user_id = naming.user(client, options["user"])["user_id"]
        row: dict[str, Any] = client.post(f"/user/{command}", user_id=user_id, **changes)["data"]
        return row
    token = naming.token(client, options["key"])
    key: dict[str, Any] = client.post(f"/key/{command}", key=token, **changes)
    return key


def _confirm(question: str, options: Mapping[str, Any]) -> None:
    if options.get("yes"):
        return
    if not sys.stdin.isatty():
        raise Misuse(f"{question} Not a terminal; pass --yes to confirm.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("Nothing was deleted.")


def _name(row: Mapping[str, Any]) -> str:
    if "token" in row:
        return f"The key {row['key_alias'] or row['key_name']}"
    return f"The user {row['user_email'] or row['user_id']}"


def _budget(row: Mapping[str, Any]) -> str:
    named = row["litellm_budget_table"] or {}
    cap = row["max_budget"] if row["max_budget"] is not None else named.get("max_budget")
    duration = row["budget_duration"] or named.get("budget_duration")
    if cap is None:
        return "unlimited"
    shown = f"{usd(cap)} {duration}" if duration else usd(cap)
    if row["temp_budget_increase"] is not None:
        shown += f" (+{usd(row['temp_budget_increase'])} until {row['temp_budget_expiry']})"
    return shown


def _spent(row: Mapping[str, Any]) -> str:
    return (
        f"{_name(row)} spent {usd(row['spend'])} of {_budget(row)} in this window, "
        f"{usd(row['total_spend'])} in all."
    )


def _user_line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "user_id": row["user_id"],
        "email": row["user_email"],
        "role": row["user_role"],
        "budget": _budget(row),
        "spent": Decimal(row["spend"]),
        "models": row["models"] or "all",
        "keys": row["key_count"],
        "state": "blocked" if row["blocked"] else "active",
    }


def _key_line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "alias": row["key_alias"],
        "key": row["key_name"],
        "user": row["user_id"],
        "budget": _budget(row),
        "spent": Decimal(row["spend"]),
        "models": row["models"] or "all",
        "expires": row["expires"],
        "state": "blocked" if row["blocked"] else "active",
        "token": row["token"],
    }


COMMANDS: Mapping[str, Callable[[Client, Options], Result]] = {
    "create-user": create_user,
    "list-users": list_users,
    "get-user": get_user,
    "delete-user": delete_user,
    "create-key": create_key,
    "list-keys": list_keys,
    "delete-key": delete_key,
    "update-budget": update_budget,
    "block": block,
    "unblock": unblock,
    "rotate-key": rotate_key,
    "spend": spend,
    "import": import_team,
}

"""From what people type to the user or the key that is meant."""

import getpass
import sys
from typing import Any

from scripts.user_admin.client import Client
from scripts.user_admin.errors import Misuse, NotThere

PREFIX = "sk-"


def user(client: Client, name: str) -> dict[str, Any]:
    """The user of that id, or else of that e-mail address. Raises Failure."""
    for row in client.users(user_ids=name):
        return row
    found = [
        row
        for row in client.users(user_email=name)
        if str(row["user_email"]).lower() == name.lower()
    ]
    if not found:
        raise NotThere(f"There is no user {name!r}, by id or e-mail address.")
    if len(found) > 1:
        ids = ", ".join(str(row["user_id"]) for row in found)
        raise Misuse(f"Several users have the e-mail address {name}: name one of {ids}.")
    return found[0]


def token(client: Client, name: str) -> str:
    """The token of the key of that alias or token; `-` asks for the key itself. Raises Failure."""
    if name == "-":
        typed = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()
        return str(client.get("/key/info", key=typed.strip())["key"])
    if name.startswith(PREFIX):
        raise Misuse(
            "Other processes can see what is on a command line, so a key does not belong there. "
            "Name it by its alias or token (list-keys), or write - to be asked for it."
        )
    for row in client.keys(key_hash=name):
        return str(row["token"])
    for row in client.keys(key_alias=name):
        if row["key_alias"] == name:
            return str(row["token"])
    raise NotThere(f"There is no key {name!r}, by alias or token.")

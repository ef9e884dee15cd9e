"""A team's users from a CSV file: checked as a whole, then made one by one; those that exist are
left as they are, so that an import that was interrupted is simply run again."""

import csv
import os
import re
import shlex
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from scripts.user_admin.arguments import ROLES, names, usd
from scripts.user_admin.client import Client
from scripts.user_admin.errors import Failure, Misuse
from scripts.user_admin.output import Result

DURATION = re.compile(r"[1-9][0-9]{0,5}(s|m|h|d|w|mo)|hourly|daily|weekly|monthly")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _email(text: str) -> str:
    if not EMAIL.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is not a valid e-mail address")
    return text


def _duration(text: str) -> str:
    if not DURATION.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is not a duration, as monthly, 30d or 24h")
    return text


def _role(text: str) -> str:
    if text not in ROLES:
        raise ArgumentTypeError(f"{text!r} is none of {', '.join(ROLES)}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not an integer")
    return int(text)


def _models(text: str) -> list[str]:
    return names(text.replace(";", ",") if not text.startswith("[") else text)


COLUMNS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "email": ("user_email", _email),
    "user_id": ("user_id", str),
    "alias": ("user_alias", str),
    "role": ("user_role", _role),
    "budget": ("max_budget", lambda text: None if text.lower() == "none" else usd(text)),
    "soft_budget": ("soft_budget", usd),
    "duration": ("budget_duration", _duration),
    "budget_id": ("budget_id", str),
    "models": ("models", _models),
    "rpm": ("rpm_limit", _count),
    "tpm": ("tpm_limit", _count),
    "parallel": ("max_parallel_requests", _count),
    "key_alias": ("key_alias", str),
    "key_expires": ("duration", _duration),
}


@dataclass(frozen=True, slots=True)
class Member:
    """A row of the file."""

    line: int
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.fields.get("user_email") or self.fields["user_id"])


def import_team(client: Client, options: Mapping[str, Any]) -> Result:
    """Raises Misuse, before anything is done, for a file with rows that do not fit."""
    members, problems = _read(Path(options["file"]))
    problems += _unknown_models(client, members)
    if problems:
        shown = "\n".join(f"  line {line}: {problem}" for line, problem in sorted(problems))
        raise Misuse(f"{options['file']} does not fit, and nothing was done:\n{shown}")
    known = _Known(client)
    fresh = [member for member in members if not known.has(member)]
    notes = [
        f"{member.name} exists already, and stays as it is"
        for member in members
        if known.has(member)
    ]
    if options.get("check"):
        counts = {"would_make": [member.name for member in fresh], "exist": len(notes)}
        return Result(counts, [f"{len(fresh)} users would be made."], notes=notes)
    with_keys = not options.get("no_keys")
    if with_keys and fresh and "keys" not in options:
        raise Misuse("Where do the keys go? --keys FILE.csv, or --no-keys.")
    _make(client, fresh, Path(options["keys"]) if with_keys and "keys" in options else None)
    made = {"made": [member.name for member in fresh], "exist": len(notes)}
    return Result(made, [f"{len(fresh)} users made, {len(notes)} existed already."], notes=notes)


def _read(file: Path) -> tuple[list[Member], list[tuple[int, str]]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{file} cannot be read: {error}") from error
    rows = csv.DictReader(text.splitlines())
    columns = [name.strip().lower() for name in rows.fieldnames or ()]
    if strange := [name for name in columns if name not in COLUMNS]:
        raise Misuse(f"{file}: no columns {', '.join(strange)}; there are {', '.join(COLUMNS)}")
    rows.fieldnames = columns
    members: list[Member] = []
    problems: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for row in rows:
        line = rows.line_num
        if None in row or None in row.values():
            problems.append((line, f"{len(columns)} columns were to be expected"))
            continue
        fields, wrong = _fields(row)
        problems += [(line, problem) for problem in wrong]
        for name in ("user_email", "user_id", "key_alias"):
            value = f"{name} {str(fields.get(name, '')).lower()}"
            if name in fields and seen.setdefault(value, line) != line:
                problems.append((line, f"{fields[name]} was on line {seen[value]} already"))
        if not wrong and not {"user_email", "user_id"} & fields.keys():
            problems.append((line, "neither email nor user_id"))
        members.append(Member(line, fields))
    return members, problems


def _fields(row: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {}
    problems = []
    for column, text in row.items():
        name, read = COLUMNS[column]
        if not (text := text.strip()):
            continue
        try:
            fields[name] = read(text)
        except ArgumentTypeError as error:
            problems.append(f"{column}: {error}")
    return fields, problems


def _unknown_models(client: Client, members: list[Member]) -> list[tuple[int, str]]:
    known = {row["model_name"] for row in client.get("/model/info")["data"]}
    return [
        (member.line, f"models: {name!r} is none of {', '.join(sorted(known))}")
        for member in members
        for name in member.fields.get("models", ())
        if name not in known
    ]


class _Known:
    """The users that there are."""

    def __init__(self, client: Client) -> None:
        rows = list(client.users())
        self._ids = {row["user_id"] for row in rows}
        self._emails = {str(row["user_email"]).lower() for row in rows if row["user_email"]}

    def has(self, member: Member) -> bool:
        email = str(member.fields.get("user_email", "")).lower()
        return member.fields.get("user_id") in self._ids or email in self._emails


def _make(client: Client, members: list[Member], keys: Path | None) -> None:
    with _key_file(keys) as file:
        for number, member in enumerate(members, 1):
            try:
                made = client.post("/user/new", auto_create_key=keys is not None, **member.fields)
            except Failure as failure:
                raise type(failure)(
                    f"line {member.line} ({member.name}): {failure}\n"
                    f"{number - 1} users were made; run the same command again for the rest."
                ) from failure
            if file is not None:
                row = (
                    made["user_id"],
                    made["user_email"] or "",
                    made["key_alias"] or "",
                    made["key"],
                )
                csv.writer(file).writerow(row)
                file.flush()
                os.fsync(file.fileno())
            _progress(number, len(members), member.name)


@contextmanager
def _key_file(path: Path | None) -> Iterator[TextIO | None]:
    """Added to, so that the keys of an interrupted run stay."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error}") from error
    with os.fdopen(descriptor, "a", newline="") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise Misuse(f"{path} could be read by others: chmod 600 {shlex.quote(str(path))}")
        if file.tell() == 0:
            csv.writer(file).writerow(("user_id", "email", "key_alias", "key"))
        yield file


def _progress(number: int, total: int, name: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{number} of {total}: {name}" + ("\n" if number == total else ""))
    else:
        sys.stderr.write(f"{number} of {total}: {name}\n")
    sys.stderr.flush()

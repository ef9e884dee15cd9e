"""What the gateway's image holds, by whom it was asked for, and under which licence.

`python -m scripts.dependencies` writes docs/dependencies.md from the lock and from the metadata of
the packages that are installed here.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lock import ROOT, pins

PAGE: Final = ROOT / "docs" / "dependencies.md"
BEGIN, END = "<!-- made: packages -->", "<!-- end -->"

FREE: Final = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0", "0BSD"}
)
"""They ask for no more than their text to be passed on, which the packages do themselves."""

AGREED: Final[Mapping[str, frozenset[str]]] = {
    "LGPL-3.0-only": frozenset({"psycopg", "psycopg-binary", "psycopg-pool"}),
    "MPL-2.0": frozenset({"certifi", "orjson"}),
}
"""Their own files stay free, and ours are not touched: they are used as they come."""

SPDX: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "MIT License": "MIT",
}
"""What older packages say, in the terms of today."""


@dataclass(frozen=True, slots=True)
class Package:
    """`needed_by`: packages of the image that ask for it, or the gateway itself."""

    name: str
    version: str
    licence: str
    needed_by: tuple[str, ...]


def packages() -> list[Package]:
    """Those of the image that can be installed on this machine, by name."""
    names = sorted(pin.partition("==")[0] for pin in pins("gateway"))
    here = {name: dist for name in names if (dist := _installed(name))}
    asked = {name: [Requirement(one) for one in dist.requires or ()] for name, dist in here.items()}
    asked["the gateway"] = [Requirement(one) for one in _wanted()]
    every = [one for requirements in asked.values() for one in requirements]
    extras = {
        name: {
            extra for one in every if canonicalize_name(one.name) == name for extra in one.extras
        }
        for name in asked
    }
    needs = {name: _needs(requirements, extras[name]) for name, requirements in asked.items()}
    return [
        Package(
            name,
            dist.version,
            licence(dist.metadata.json),
            tuple(other for other, wants in needs.items() if name in wants),
        )
        for name, dist in here.items()
    ]


def _needs(requirements: Iterable[Requirement], extras: Iterable[str]) -> set[str]:
    """The packages that are needed with these extras, on a machine like this one."""
    return {
        canonicalize_name(one.name)
        for one in requirements
        if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in ("", *extras))
    }


def _installed(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _wanted() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def licence(said: Mapping[str, str | list[str]]) -> str:
    """By what a package says of itself, as an SPDX expression where that can be told."""
    expression = str(said.get("license_expression", ""))
    if expression:
        return expression
    words = str(said.get("license", "")).splitlines()
    short = words[0].strip() if words else ""
    if not short or len(short) > 40:
        classified = [one for one in said.get("classifier", []) if one.startswith("License ::")]
        short = classified[0].rpartition(":: ")[2] if classified else "unknown"
    return SPDX.get(short, short)


def disallowed(held: Iterable[Package] | None = None) -> list[str]:
    """Packages under terms that nobody agreed to."""
    held = packages() if held is None else held
    return [
        f"{one.name} {one.version}: {one.licence}" for one in held if not _allowed(one, one.licence)
    ]


def _allowed(package: Package, expression: str) -> bool:
    """An expression of SPDX, without exceptions: OR binds weaker than AND."""
    inner = expression.strip()
    if inner.startswith("(") and inner.endswith(")") and inner.count("(") == 1:
        inner = inner[1:-1]
    for word, enough in ((" OR ", any), (" AND ", all)):
        parts = re.split(rf"{word}(?![^(]*\))", inner)
        if len(parts) > 1:
            return enough(_allowed(package, part) for part in parts)
    return inner in FREE or package.name in AGREED.get(inner, ())


def table() -> str:
    lines = ["| package | version | licence | needed by |", "|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.version} | {one.licence} | {', '.join(one.needed_by)} |"
        for one in packages()
    ]
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the table of today."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
    sys.exit("\n".join(disallowed()) or 0)

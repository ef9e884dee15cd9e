"""docs/api.md, read off the OpenAPI document of the internal port."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.admin_access import changer, reader
from app.apps import FOR_ADMINISTRATORS, FOR_CLIENTS, internal_api
from app.web.routes import health

Schema = Mapping[str, Any]

INTRODUCTION: Final = """\
# API reference

Every endpoint: on which port it is, who may call it, what it takes, and what it may refuse. How
they are used is shown [with curl](examples/curl-examples.md), [with SDKs](examples/sdk-examples.md)
and in [user management](user-management.md). What they answer is shown, with an example each, in
the document that a running gateway serves: `/openapi.json` on the internal port.

**Ports.** *public* is 4000, and the internal port answers there too; *internal* is 4001 alone.

**Who.** *anybody* sends no key. *holders* send a key that was given out, as `Authorization: Bearer`
or `x-api-key`; the master key is none. *readers* have the master key, or that of a user with the
role `proxy_admin` or `proxy_admin_viewer`; *changers* the same without `proxy_admin_viewer`
([roles](user-management.md#who-may-administer)).

**Refusals** are listed by their status; [errors](errors.md) has their codes and shapes. 405 (no
such method), 408 (the request did not arrive in time) and 431 (address and headers too large) may
come everywhere.

Bodies are JSON. Of what clients of models send, the fields that are most used are shown; more may
be sent. Administration refuses fields that it does not know. **Bold** is what must be sent.

This page is written by `python -m app.local.reference` from the gateway's routes.
"""

TITLES: Final = {
    "inference": "Models at work",
    "models": "Models",
    "bedrock": "Bedrock's own API",
    "usage": "Usage",
    "health": "Health",
    "users": "Users",
    "keys": "Keys",
    "budgets": "Budgets by name",
    "spend": "Spend",
    "audit": "Audit log",
    "metrics": "Metrics",
}
ANYWHERE: Final = {"405", "408", "431"}
WORDS: Final = {"string": "text", "boolean": "true or false", "integer": "whole number"}


def page() -> str:
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield INTRODUCTION.rstrip("\n")
    document = internal_api().openapi()
    operations = [
        (path, method, said)
        for path, item in document["paths"].items()
        for method, said in item.items()
    ]
    tags = list(TITLES)
    operations.sort(key=lambda one: tags.index(one[2]["tags"][0]))
    who = {**_callers(FOR_CLIENTS), **_callers(FOR_ADMINISTRATORS)}
    public = {path for path, _ in _routes((*FOR_CLIENTS, health.router))}
    for tag, group in groupby(operations, key=lambda one: one[2]["tags"][0]):
        yield f"\n## {TITLES[tag]}"
        for path, method, said in group:
            port = "public" if path in public else "internal"
            caller = who.get((path, method), "anybody")
            yield from _operation(path, method, said, f"{port}, {caller}", document["components"])


def _operation(
    path: str, method: str, said: Schema, where: str, components: Schema
) -> Iterator[str]:
    yield f"\n### {method.upper()} {path}\n"
    yield f"{said['summary']} ({where}). {' '.join(said['description'].split())}"
    rows = list(_rows(said, components["schemas"]))
    if rows:
        yield "\n| field | in | what it takes |\n|---|---|---|"
        yield from rows
    refusals = sorted(
        status for status in said["responses"] if status >= "400" and status not in ANYWHERE
    )
    if refusals:
        yield f"\nRefusals: {', '.join(refusals)}."


def _rows(said: Schema, schemas: Schema) -> Iterator[str]:
    for one in said.get("parameters", ()):
        yield _row(one["name"], one["in"], one["schema"], schemas, must=one["required"])
    if "requestBody" in said:
        body = said["requestBody"]["content"]["application/json"]["schema"]
        for shape in body.get("anyOf", [body]):
            fields = _resolved(shape, schemas)
            for name, schema in fields.get("properties", {}).items():
                yield _row(name, "body", schema, schemas, must=name in fields.get("required", ()))


def _row(name: str, place: str, schema: Schema, schemas: Schema, *, must: bool) -> str:
    default = schema.get("default")
    usual = "" if default is None else f"; usually `{default}`"
    shown = f"**`{name}`**" if must else f"`{name}`"
    return f"| {shown} | {place} | {_kind(schema, schemas)}{usual} |"


def _kind(schema: Schema, schemas: Schema) -> str:
    """In words; that null may be sent goes without saying."""
    schema = _resolved(schema, schemas)
    if "anyOf" in schema:
        kinds = [_kind(one, schemas) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}), schemas)}"
    if kind == "string" and "format" in schema:
        return str(schema["format"])
    return f"{WORDS.get(kind, kind)}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    """Those that somebody might meet."""
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None and most < 2**31:
        return f", {least} to {most}"
    return f", {least} or more" if least else ""


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = schemas[schema["$ref"].rpartition("/")[2]]
    return found


def _routes(routers: Iterable[APIRouter]) -> Iterator[tuple[str, APIRoute]]:
    """With their paths as the document writes them."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route.path_format, route


def _callers(routers: Iterable[APIRouter]) -> dict[tuple[str, str], str]:
    """Who is let in, by path and method: what the route depends on says it."""
    found = {}
    for path, route in _routes(routers):
        asked = {one.call for one in route.dependant.dependencies}
        who = "changers" if changer in asked else "readers" if reader in asked else "holders"
        for method in route.methods or ():
            found[path, method.lower()] = who
    return found

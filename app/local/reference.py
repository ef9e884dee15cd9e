"""The reference pages that are read off the code: `python -m app.local.reference`.

Writes docs/configuration.md and docs/errors.md; a test fails while they say something else.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.errors import GatewayError
from app.settings import Settings
from app.wire.errors import BEDROCK_STATUS

DOCS = Path(__file__).parents[2] / "docs"

CONFIGURATION = """\
# Configuration

The gateway reads its settings from the environment, once, when it starts. One that is missing or
does not fit ends it with exit code 2 and a line that names it. `./dev up` sets all that is
required; `.local/gateway.env` shows what it chose.

This page is written by `python -m app.local.reference` from `app/settings.py`.

| variable | default | what it does |
|---|---|---|
"""

ERRORS = """\
# Errors

Every error has a code that does not change. The log line of the request carries it as
`error_code`; clients see the types that their SDK knows. The body is Anthropic's
(`{"type": "error", "error": {"type", "message"}, "request_id"}`) on `/v1/messages` and for callers
that send `anthropic-version`, and OpenAI's (`{"error": {"message", "type", "param", "code"}}`)
everywhere else. Below `/bedrock` it is Bedrock's (`{"message"}`, the exception in
`x-amzn-errortype`, and its status). The `request-id` header finds the request in the log.

`x-should-retry: false` goes with errors that trying again cannot mend: without it Claude Code
would ask up to eleven times over three minutes. After the first byte of a stream an error is one
`error` event; those that may pass are called `overloaded_error` there, since Claude Code answers
any other type by sending the whole request again at once.

This page is written by `python -m app.local.reference` from `app/errors.py`.

| status | code | when | Anthropic's type | OpenAI's type, code | Bedrock's | retry |
|---|---|---|---|---|---|---|
"""

RETRY = {None: "the client decides", True: "yes", False: "no"}


def configuration() -> str:
    rows = (
        f"| {_variables(name)} | {_default(field)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return CONFIGURATION + "".join(rows)


def errors() -> str:
    rows = (
        f"| {kind.status} | `{kind.code}` | {inspect.getdoc(kind)} | `{kind.anthropic_type}` "
        f"| `{kind.openai_type}`, `{kind.openai_code or kind.code}` "
        f"| {BEDROCK_STATUS[kind.bedrock_type]} `{kind.bedrock_type}` "
        f"| {RETRY[kind.retryable]} |\n"
        for kind in sorted(_kinds(GatewayError), key=lambda kind: kind.status)
    )
    notes = "\nOpenAI's clients know no 529: to them `upstream_overloaded` is a 503.\n"
    return ERRORS + "".join(rows) + notes


def _kinds(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _variables(name: str) -> str:
    return " or ".join(f"`{one}`" for one in Settings.variables(name))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "unset" if field.default is None else f"`{field.default}`"


def main() -> None:
    (DOCS / "configuration.md").write_text(configuration())
    (DOCS / "errors.md").write_text(errors())


if __name__ == "__main__":
    main()

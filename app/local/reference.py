"""The reference pages that are read off the code: `python -m app.local.reference`.

Writes docs/api.md, docs/configuration.md, docs/errors.md and docs/metrics.md; a test fails while
they say something else.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.errors import GatewayError
from app.formats.errors import BEDROCK_STATUS
from app.local import api_reference
from app.settings import Settings
from app.telemetry.metrics import Metrics

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

METRICS = """\
# Metrics

`GET /metrics` (and `/metrics/`) on the internal port, open there, in Prometheus's text format. Each
process reports its own metrics, so each is scraped separately, never through a load balancer;
dashboards sum them. With `GATEWAY_METRICS_ON_PUBLIC_PORT` administrators' keys may read it on the
public port too.

Labels are keys, users and models that are known here and codes of [errors](errors.md), never a
client's text; a value that is missing is the text `None`, as in LiteLLM. Names that begin with
`litellm_` are LiteLLM's, with its types, units and buckets, so dashboards made for it keep
working. Labels that would always say `None` here (teams, organisations, end users) are left out,
and so are a client's address and program, which would make unbounded series. Latencies have no
label for the key: a histogram for each would be too much to scrape. Of more than 5,000 combinations
of key and model, the series of those not used for longest are dropped.

`user`, `api_key_alias` and `hashed_api_key` are those of the key; `requested_model` is the model's
public name, `model` the Bedrock id that answered. Budget gauges show what the latest request
through this process left: of several processes' figures the smallest is the present one.

This page is written by `python -m app.local.reference` from `app/telemetry`.

| metric | type | labels | what it tells |
|---|---|---|---|
"""

RETRY = {None: "the client decides", True: "yes", False: "no"}


def api() -> str:
    return api_reference.page()


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
    notes = (
        "\nOpenAI's clients know no 529: to them `upstream_overloaded` is a 503. A gateway that is "
        "stopped ends\nwith it, too, what it has no time to finish.\n"
    )
    return ERRORS + "".join(rows) + notes


def metrics() -> str:
    rows = (
        f"| `{name}` | {kind} | {' '.join(f'`{label}`' for label in labels)} | {told} |\n"
        for name, kind, labels, told in sorted(Metrics().described())
    )
    return METRICS + "".join(rows)


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
    (DOCS / "api.md").write_text(api())
    (DOCS / "configuration.md").write_text(configuration())
    (DOCS / "errors.md").write_text(errors())
    (DOCS / "metrics.md").write_text(metrics())


if __name__ == "__main__":
    main()

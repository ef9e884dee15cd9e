"""The end of a request that never began: who asked for what, and why it was refused."""

from decimal import Decimal
from typing import Any, Final

from app.domain.keys import Caller
from app.domain.models import Target
from app.domain.outcome import Outcome
from app.domain.usage import Usage
from app.errors import GatewayError
from app.service.request import InferenceRequest
from app.wire.anthropic import JsonObject

PARAMETERS: Final = ("max_tokens", "temperature", "top_p", "top_k")


def parameters(body: JsonObject) -> dict[str, Any]:
    """Those of a request's that are numbers, or words of the API's own."""
    found = {name: body[name] for name in PARAMETERS if isinstance(body.get(name), int | float)}
    thinking, output = body.get("thinking"), body.get("output_config")
    if isinstance(thinking, dict):
        found["thinking"] = str(thinking.get("type"))[:20]
        if isinstance(thinking.get("budget_tokens"), int):
            found["thinking_budget_tokens"] = thinking["budget_tokens"]
    if isinstance(output, dict) and isinstance(output.get("effort"), str):
        found["effort"] = output["effort"][:20]
    tools = body.get("tools")
    return found | ({"tools": len(tools)} if isinstance(tools, list) else {})


def refused(
    request: InferenceRequest,
    dialect: str,
    caller: Caller | None,
    target: Target | None,
    error: GatewayError,
    seconds: float,
) -> Outcome:
    """After so many seconds; with as much as was known by then."""
    key = caller.key if caller else None
    return Outcome(
        request_id=request.id,
        started_at=request.received_at,
        dialect=dialect,
        route=request.route,
        status=error.status,
        ending=None,
        error_code=error.code,
        key_id=key.id if key else None,
        key_alias=key.alias if key else None,
        key_name=key.name if key else None,
        user_id=key.user_id if key else None,
        asked_model=target.model.name if target else None,
        bedrock_id=target.profile.bedrock_id if target else None,
        stream=False,
        usage=Usage(),
        cost=Decimal(0),
        estimated=False,
        latency_seconds=seconds,
        ttfb_seconds=None,
        upstream_seconds=0,
        upstream_request_id=None,
        session_id=request.session_id,
        client=request.client,
        agent=request.agent,
        tags=request.tags,
        guardrail=False,
    )

"""The end of a request that never began: who asked for what, and why it was refused."""

from decimal import Decimal

from app.domain.keys import Caller
from app.domain.models import Target
from app.domain.outcome import Outcome
from app.domain.usage import Usage
from app.errors import GatewayError
from app.service.request import InferenceRequest


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

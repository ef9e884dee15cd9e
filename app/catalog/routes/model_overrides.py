"""The fields of models: LiteLLM's, as far as they mean something here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead, AdminRoute, AdminWrite
from app.catalog.catalog import Catalog
from app.catalog.model import Target
from app.catalog.overrides import PROVIDER, RATES, Definition, ModelOverride
from app.core.budgets import Limits
from app.core.pricing import PER_MILLION, price_on
from app.errors import Conflict, NotFound, UnknownModel
from app.identity.routes.shapes import documented
from app.services import services
from app.web.fields import Body, Text
from app.web.numbers import Cost, Count
from app.web.responses import json_response, time

Name = Annotated[Text, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/\-]*$")]

BedrockModel = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/\-\[\]]*$")]


class Parameters(Body):
    """Costs are in USD per token; limits are those of all callers together."""

    model: BedrockModel | None = None
    custom_llm_provider: Literal["bedrock"] | None = None
    rpm: Count | None = None
    tpm: Count | None = None
    max_parallel_requests: Count | None = None
    input_cost_per_token: Cost | None = None
    output_cost_per_token: Cost | None = None
    cache_creation_input_token_cost: Cost | None = None
    cache_creation_input_token_cost_above_1hr: Cost | None = None
    cache_read_input_token_cost: Cost | None = None


class NewParameters(Parameters):
    model: BedrockModel


class Info(Body):
    """`base_model` is whose capabilities a model has that the gateway does not know."""

    id: Text | None = None
    base_model: Text | None = None


class KnownInfo(Info):
    id: Text


class ModelNew(Body):
    """A name for a model, a model with its Bedrock id, or limits and prices of a model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_name": "team-sonnet",
                    "litellm_params": {"model": "claude-sonnet-4-5", "rpm": 600, "tpm": 2_000_000},
                    "model_info": {"id": "team-sonnet-1"},
                }
            ]
        }
    )

    model_name: Name
    litellm_params: NewParameters
    model_info: Info = Info()


class ModelUpdate(Body):
    """What is to be changed: what isn't sent stays, null clears."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model_info": {"id": "team-sonnet-1"}, "litellm_params": {"rpm": 900}}]
        }
    )

    model_name: Name | None = None
    litellm_params: Parameters = Parameters()
    model_info: KnownInfo


class ModelName(Body):
    """A model of the operator's own, by the id of its `model_info`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "team-sonnet-1"}]})

    id: Text


router = APIRouter(tags=["models"], dependencies=DOCUMENTED_KEYS, route_class=AdminRoute)

LIMITS: Final = {"rpm": "rpm", "tpm": "tpm", "max_parallel_requests": "parallel"}

EXAMPLE: Final[dict[str, Any]] = {
    "model_name": "team-sonnet",
    "litellm_params": {
        "model": "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "aws_region_name": "us-east-1",
        "rpm": 600,
        "tpm": 2_000_000,
    },
    "model_info": {
        "id": "team-sonnet-1",
        "db_model": True,
        "base_model": "claude-sonnet-4-5",
        "litellm_provider": "bedrock",
        "mode": "chat",
        "max_tokens": 64_000,
        "max_input_tokens": 200_000,
        "max_output_tokens": 64_000,
        "input_cost_per_token": 0.0000033,
        "output_cost_per_token": 0.0000165,
        "cache_creation_input_token_cost": 0.000004125,
        "cache_creation_input_token_cost_above_1hr": 0.0000066,
        "cache_read_input_token_cost": 0.00000033,
        "created_at": "2026-11-23T09:30:00Z",
        "updated_at": "2026-11-23T09:30:00Z",
    },
}

NOT_FOUND: Final = NotFound("There is no model with the id 'team-sonnet-1'.")

TAKEN: Final = Conflict("A model named 'team-sonnet' was added already.")


@router.get("/model/info", summary="Show models", responses=documented({"data": [EXAMPLE]}))
@router.get("/v1/model/info", summary="Show models", responses=documented({"data": [EXAMPLE]}))
async def model_info(
    request: Request, by: AdminRead, litellm_model_id: Text | None = None
) -> Response:
    """All models with their prices of today; `db_model` tells those of the operator's own."""
    del by
    use = services(request)
    own = await use.offer.models()
    named = {model.name for model in own}
    rows = [_own_row(model, request) for model in own]
    rows += [_row(m.name, request) for m in use.catalog.models() if m.name not in named]
    if litellm_model_id is not None:
        rows = [row for row in rows if row["model_info"]["id"] == litellm_model_id]
        if not rows:
            raise NotFound(f"There is no model with the id {litellm_model_id!r}.")
    return json_response({"data": rows})


@router.post("/model/new", summary="Add a model", responses=documented(EXAMPLE, TAKEN))
async def new_model(request: Request, body: ModelNew, by: AdminWrite) -> Response:
    """`litellm_params.model` is a model here, by any of its names or ids, or a Bedrock id that is
    new; the latter has the capabilities of `base_model`. Of the same `model_name` as a shipped
    model, it sets that model's limits and prices. In force in every gateway within a second."""
    definition = _defined(Definition(""), body.litellm_params.sent(), body.model_info.sent("id"))
    added = await services(request).offer.add_model(
        body.model_name,
        definition,
        body.model_info.id,
        by.author,
        may_undercut=by.who.is_master,
    )
    return json_response(_own_row(added, request))


@router.post(
    "/model/update", summary="Change a model", responses=documented(EXAMPLE, NOT_FOUND, TAKEN)
)
async def update_model(request: Request, body: ModelUpdate, by: AdminWrite) -> Response:
    """Changes a model that `/model/new` added: what isn't sent stays, null clears."""

    def change(model: ModelOverride) -> ModelOverride:
        definition = _defined(
            model.definition, body.litellm_params.sent(), body.model_info.sent("id")
        )
        return replace(model, name=body.model_name or model.name, definition=definition)

    changed = await services(request).offer.update_model(
        body.model_info.id, change, by.author, may_undercut=by.who.is_master
    )
    return json_response(_own_row(changed, request))


@router.post(
    "/model/delete",
    summary="Delete a model",
    responses=documented({"message": "Model: team-sonnet-1 deleted successfully"}, NOT_FOUND),
)
async def delete_model(request: Request, body: ModelName, by: AdminWrite) -> Response:
    """Back to what the catalogue says."""
    deleted = await services(request).offer.delete_model(body.id, by.author)
    return json_response({"message": f"Model: {deleted.id} deleted successfully"})


def _defined(
    before: Definition, parameters: Mapping[str, Any], info: Mapping[str, Any]
) -> Definition:
    target = parameters.get("model") or before.target
    rates = dict(before.rates) | {n: v for n, v in parameters.items() if n in RATES}
    limits = {LIMITS[name]: value for name, value in parameters.items() if name in LIMITS}
    return Definition(
        target=PROVIDER.sub("", target),
        base=info.get("base_model", before.base),
        rates=tuple((name, rates[name]) for name in RATES if rates.get(name) is not None),
        limits=replace(before.limits, **limits),
    )


def _own_row(own: ModelOverride, request: Request) -> dict[str, Any]:
    """A model of the operator's own; without prices where the region cannot reach it any more."""
    definition = own.definition
    row, base = _row(own.name, request), _resolved(services(request).catalog, definition.target)
    row["litellm_params"] |= dict(definition.rates) | _limits(definition.limits)
    row["model_info"] |= {
        "id": own.id,
        "db_model": True,
        "base_model": definition.base or (base.model.name if base else None),
        "created_at": time(own.created_at),
        "updated_at": time(own.updated_at),
    }
    return row


def _row(name: str, request: Request) -> dict[str, Any]:
    use = services(request)
    target = _resolved(use.catalog, name)
    if target is None:
        return {"model_name": name, "litellm_params": {}, "model_info": {}}
    model = target.model
    rates = price_on(model.prices, use.clock.now().date()).rates(0)
    factor = target.profile.factor.scaleb(PER_MILLION)
    costs = {cost: getattr(rates, ours) * factor for cost, ours in RATES.items()}
    return {
        "model_name": name,
        "litellm_params": {
            "model": f"bedrock/{target.profile.bedrock_id}",
            "aws_region_name": use.catalog.region,
            **_limits(model.limits),
        },
        "model_info": {
            "id": name,
            "db_model": False,
            "base_model": model.name,
            "litellm_provider": "bedrock",
            "mode": "chat",
            "max_tokens": model.max_output_tokens,
            "max_input_tokens": model.context_tokens,
            "max_output_tokens": model.max_output_tokens,
            **costs,
        },
    }


def _resolved(catalog: Catalog, name: str) -> Target | None:
    try:
        return catalog.resolve(name)
    except UnknownModel:
        return None


def _limits(limits: Limits) -> dict[str, int]:
    found = {theirs: getattr(limits, ours) for theirs, ours in LIMITS.items()}
    return {name: value for name, value in found.items() if value is not None}

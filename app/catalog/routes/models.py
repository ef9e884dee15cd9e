"""`/v1/models`: one shape that Anthropic's and OpenAI's clients both read."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from app.catalog.model import Model
from app.errors import UnknownModel
from app.identity.policy import Caller
from app.services import services
from app.web.headers import credentials

router = APIRouter(tags=["models"])


@router.get("/v1/models", summary="List models")
async def list_models(request: Request) -> dict[str, Any]:
    """The models that the caller's key may use."""
    caller = await _caller(request)
    shown = [
        _shape(model)
        for model in services(request).catalog.models()
        if caller.may_use(model.name, *model.aliases)
    ]
    return {
        "object": "list",
        "data": shown,
        "has_more": False,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


@router.get("/v1/models/{model_id:path}", summary="Get a model")
async def get_model(request: Request, model_id: str) -> dict[str, Any]:
    """A model by its name, an alias or its Bedrock id."""
    caller = await _caller(request)
    model = services(request).catalog.resolve(model_id).model
    if not caller.may_use(model.name, *model.aliases, model_id):
        raise UnknownModel(f"model: {model.name} is not one that this API key may use")
    return _shape(model)


async def _caller(request: Request) -> Caller:
    return await services(request).authenticator.caller(credentials(request))


def _shape(model: Model) -> dict[str, Any]:
    released = datetime(model.released.year, model.released.month, model.released.day, tzinfo=UTC)
    return {
        "id": model.name,
        "object": "model",
        "type": "model",
        "created": int(released.timestamp()),
        "owned_by": "anthropic",
        "display_name": model.display_name,
        "description": model.description,
        "created_at": released.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
        "lifecycle": "active",
    }

"""Administration, on the internal port alone: LiteLLM's paths and field names."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from app.domain.budgets import Budget
from app.domain.keys import Key, User
from app.errors import AuthenticationFailed, InvalidRequest
from app.http import headers
from app.http.services import services
from app.service.administration import KeyRequest, NewKey, Spending, UserRequest


async def require_master_key(request: Request) -> None:
    """Lets in who holds the master key."""
    sent = headers.credentials(request.headers)
    if not services(request).authenticator.is_master(sent):
        raise AuthenticationFailed("Administration needs the master key: Authorization: Bearer ….")


router = APIRouter(tags=["administration"], dependencies=[Depends(require_master_key)])

Usd = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=10)]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Without control characters: PostgreSQL keeps no NUL, and logs and terminals want none."""


class _Body(BaseModel):
    """Unknown fields are refused by name: a limit that is silently ignored is none."""

    model_config = ConfigDict(extra="forbid")


class UserNew(_Body):
    """A user to be made, and what the first key is to be called."""

    user_id: Text | None = None
    user_email: Text | None = None
    user_alias: Text | None = None
    models: list[Text] = []
    max_budget: Usd | None = None
    budget_duration: Text | None = None
    auto_create_key: bool = True
    key_alias: Text | None = None
    duration: Text | None = None
    guardrail: Text | None = None


class KeyGenerate(_Body):
    """A key to be made. Without `user_id` it belongs to nobody."""

    key_alias: Text | None = None
    user_id: Text | None = None
    models: list[Text] = []
    max_budget: Usd | None = None
    budget_duration: Text | None = None
    duration: Text | None = None
    blocked: bool = False
    key: Text | None = None
    guardrail: Text | None = None


@router.post("/user/new", summary="Make a user")
async def new_user(request: Request, body: UserNew) -> Response:
    """Makes a user and, unless `auto_create_key` is false, a key, which is shown this once."""
    use = services(request).administration
    first_key = KeyRequest(alias=body.key_alias, duration=body.duration)
    user, made = await use.new_user(
        UserRequest(
            user_id=body.user_id,
            email=body.user_email,
            alias=body.user_alias,
            models=tuple(body.models),
            budget=Budget(body.max_budget, body.budget_duration),
            guardrail=body.guardrail,
        ),
        first_key if body.auto_create_key else None,
    )
    key_fields = _new_key_shape(made) if made else {"key": ""}
    return _json(key_fields | _user_shape(user, await use.spending(user)))


@router.post("/key/generate", summary="Make a key")
async def generate_key(request: Request, body: KeyGenerate) -> Response:
    """Makes a key, which is shown this once."""
    use = services(request).administration
    made = await use.new_key(
        KeyRequest(
            alias=body.key_alias,
            user_id=body.user_id,
            models=tuple(body.models),
            budget=Budget(body.max_budget, body.budget_duration),
            duration=body.duration,
            key=body.key,
            blocked=body.blocked,
            guardrail=body.guardrail,
        )
    )
    return _json(_key_shape(made.key, await use.spending(made.key)) | _new_key_shape(made))


@router.get("/user/info", summary="Show a user")
async def user_info(request: Request, user_id: Text) -> Response:
    """A user with spend and keys."""
    use = services(request).administration
    user, keys = await use.user(user_id)
    return _json(
        {
            "user_id": user.id,
            "user_info": _user_shape(user, await use.spending(user)),
            "keys": [_key_shape(key, await use.spending(key)) for key in keys],
            "teams": [],
        }
    )


@router.get("/key/info", summary="Show a key")
async def key_info(request: Request, key: Text | None = None) -> Response:
    """A key with its spend, by the key itself or by its hash."""
    use = services(request).administration
    if key is None:
        raise InvalidRequest("key: name the key, or its hash")
    found = await use.key(key)
    return _json({"key": found.hash, "info": _key_shape(found, await use.spending(found))})


def _new_key_shape(made: NewKey) -> dict[str, Any]:
    key = made.key
    return {
        "key": made.secret,
        "key_name": key.name,
        "key_alias": key.alias,
        "token": key.hash,
        "token_id": key.hash,
        "expires": _time(key.expires),
        "user_id": key.user_id,
    }


def _key_shape(key: Key, spending: Spending) -> dict[str, Any]:
    return {
        "token": key.hash,
        "key_name": key.name,
        "key_alias": key.alias,
        "user_id": key.user_id,
        "models": key.models,
        "expires": _time(key.expires),
        "blocked": key.blocked,
        "guardrail": str(key.guardrail) if key.guardrail else None,
        **_budget_shape(key.budget, spending),
    }


def _user_shape(user: User, spending: Spending) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "user_email": user.email,
        "user_alias": user.alias,
        "models": user.models,
        "blocked": user.blocked,
        "guardrail": str(user.guardrail) if user.guardrail else None,
        **_budget_shape(user.budget, spending),
    }


def _budget_shape(budget: Budget, spending: Spending) -> dict[str, Any]:
    return {
        "max_budget": budget.max,
        "budget_duration": budget.duration,
        "budget_reset_at": _time(spending.resets_at),
        "spend": spending.spend,
        "total_spend": spending.total,
    }


def _time(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body, default=_number), media_type="application/json")


def _number(value: Any) -> Any:
    """Money as a JSON number with all of its digits."""
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value.normalize():f}")
    raise TypeError(type(value).__name__)

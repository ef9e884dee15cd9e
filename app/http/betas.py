"""`/model/betas`: which beta flags of clients reach Bedrock, per model."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from app.domain.betas import BetaRule
from app.http.admin import require_master_key
from app.http.services import services

router = APIRouter(
    prefix="/model/betas", tags=["administration"], dependencies=[Depends(require_master_key)]
)

Name = Annotated[str, Field(min_length=1, max_length=100)]
Flag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=100)]


class Rule(BaseModel):
    """`sent_as` is the flag that Bedrock gets, or null to send none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "*", "beta": "effort-2025-11-24", "sent_as": None}]
        },
    )

    model: Name
    beta: Flag
    sent_as: Flag | None


@router.get("", summary="Show beta flags")
async def show(request: Request) -> dict[str, Any]:
    """The operator's rules, and what each model takes by them and the catalogue."""
    use = services(request)
    return {
        "rules": [
            {"model": rule.model, "beta": rule.beta, "sent_as": rule.sent_as}
            for rule in await use.betas.rules()
        ],
        "models": {
            model.name: {
                "sent": model.capabilities.betas,
                "aliases": dict(model.capabilities.beta_aliases),
            }
            for model in use.catalog.models()
        },
    }


@router.put("", summary="Set a rule for a beta flag")
async def set_rule(request: Request, body: Rule) -> dict[str, Any]:
    """Takes effect in every gateway at once."""
    await services(request).betas.set(BetaRule(body.model, body.beta, body.sent_as))
    return body.model_dump()


@router.delete("", summary="Drop a rule for a beta flag")
async def drop_rule(request: Request, model: Name, beta: Flag) -> dict[str, Any]:
    """Back to what the catalogue says."""
    await services(request).betas.drop(model, beta)
    return {"dropped": {"model": model, "beta": beta}}

"""`/model/betas`: which beta flags of clients reach Bedrock, per model."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request

from app.admin_access import DOCUMENTED_KEYS, AdminRead, AdminRoute, AdminWrite
from app.catalog.overrides import BetaRule
from app.errors import NotFound
from app.identity.routes.shapes import documented
from app.services import services
from app.web.fields import Body, Text

router = APIRouter(
    prefix="/model/betas", tags=["models"], dependencies=DOCUMENTED_KEYS, route_class=AdminRoute
)

Flag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=100)]

EXAMPLE: Final[dict[str, Any]] = {
    "model": "*",
    "beta": "advanced-tool-use-2025-11-20",
    "sent_as": "tool-search-tool-2025-10-19",
}


class Rule(Body):
    """`sent_as` is the flag that Bedrock gets, or null to send none."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    model: Text
    beta: Flag
    sent_as: Flag | None


@router.get(
    "",
    summary="Show beta flags",
    responses=documented(
        {
            "rules": [EXAMPLE],
            "models": {
                "claude-haiku-4-5": {
                    "sent": ["context-management-2025-06-27"],
                    "aliases": {"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19"},
                }
            },
        }
    ),
)
async def show(request: Request, by: AdminRead) -> dict[str, Any]:
    """The operator's rules, and what each model takes by them and the catalogue."""
    del by
    use = services(request)
    return {
        "rules": [
            {"model": rule.model, "beta": rule.beta, "sent_as": rule.sent_as}
            for rule in await use.offer.rules()
        ],
        "models": {
            model.name: {
                "sent": model.capabilities.betas,
                "aliases": dict(model.capabilities.beta_aliases),
            }
            for model in use.catalog.models()
        },
    }


@router.put("", summary="Set a rule for a beta flag", responses=documented(EXAMPLE))
async def set_rule(request: Request, body: Rule, by: AdminWrite) -> dict[str, Any]:
    """Takes effect in every gateway at once."""
    rule = BetaRule(body.model, body.beta, body.sent_as)
    await services(request).offer.set_rule(rule, by.author)
    return body.model_dump()


@router.delete(
    "",
    summary="Drop a rule for a beta flag",
    responses=documented(
        {"dropped": {"model": "*", "beta": "advanced-tool-use-2025-11-20"}},
        NotFound("There is no rule for 'advanced-tool-use-2025-11-20' on '*'."),
    ),
)
async def drop_rule(request: Request, model: Text, beta: Flag, by: AdminWrite) -> dict[str, Any]:
    """Back to what the catalogue says."""
    await services(request).offer.drop_rule(model, beta, by.author)
    return {"dropped": {"model": model, "beta": beta}}

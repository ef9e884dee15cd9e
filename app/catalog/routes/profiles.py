"""`/bedrock/inference-profiles`: which profiles there are. Claude Code in Bedrock mode asks."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from app.catalog.model import Model, Profile, model_name, partition
from app.errors import NotFound
from app.identity.policy import Caller, check_model
from app.services import services
from app.web.headers import credentials

router = APIRouter(prefix="/bedrock/inference-profiles", tags=["bedrock"])


@router.get("", summary="ListInferenceProfiles")
async def list_profiles(request: Request) -> dict[str, Any]:
    """The profiles of the models that the key may use; all of them are `SYSTEM_DEFINED`."""
    caller = await _caller(request)
    catalog = services(request).catalog
    if request.query_params.get("type") == "APPLICATION":
        return {"inferenceProfileSummaries": []}
    shown = [
        _shape(model, profile, catalog.region)
        for model in catalog.models()
        for profile in catalog.profiles(model)
        if caller.may_use(model.name, *model.aliases, profile.bedrock_id)
    ]
    return {"inferenceProfileSummaries": shown}


@router.get("/{model_id:path}", summary="GetInferenceProfile")
async def get_profile(request: Request, model_id: str) -> dict[str, Any]:
    """A profile by its id or ARN."""
    caller = await _caller(request)
    catalog = services(request).catalog
    target = catalog.resolve(model_name(model_id))
    check_model(caller, target)
    if target.profile.name == "bare":
        raise NotFound(f"{target.model.name} is reached without an inference profile.")
    return _shape(target.model, target.profile, catalog.region)


async def _caller(request: Request) -> Caller:
    return await services(request).authenticator.caller(credentials(request))


def _shape(model: Model, profile: Profile, region: str) -> dict[str, Any]:
    """As AWS shows it, without the account id."""
    arn = f"arn:{partition(region)}:bedrock:{region}:"
    released = datetime(model.released.year, model.released.month, model.released.day, tzinfo=UTC)
    when = released.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "inferenceProfileId": profile.bedrock_id,
        "inferenceProfileArn": f"{arn}:inference-profile/{profile.bedrock_id}",
        "inferenceProfileName": f"{profile.name.upper()} Anthropic {model.display_name}",
        "description": model.description,
        "models": [{"modelArn": f"{arn}:foundation-model/{model.bedrock_id}"}],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": when,
        "updatedAt": when,
    }

"""The two front doors. They are two applications, so the public one has nothing to hide:
administration is not in it."""

from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from app.errors import GatewayError
from app.http import (
    bedrock,
    counting,
    errors,
    health,
    inference,
    metrics,
    models,
    profiles,
    usage,
)
from app.http.admin import audit, betas, budgets, keys, spend, spend_logs, users
from app.http.admin import models as operator_models
from app.http.context import RequestContext
from app.http.reference import describe
from app.http.services import Services
from app.http.shortcut import Shortcut

FOR_CLIENTS: Final = (
    inference.router,
    counting.router,
    models.router,
    bedrock.router,
    profiles.router,
    usage.router,
)

FOR_ADMINISTRATORS: Final = (
    users.router,
    keys.router,
    budgets.router,
    operator_models.router,
    betas.router,
    spend.router,
    spend_logs.router,
    audit.router,
)


def public_app(services: Services, *, proxies: int = 0, with_metrics: bool = False) -> ASGIApp:
    """Inference, models and health; metrics for administrators, if they are wanted here. `proxies`
    are in front of it, and each adds the address that it sees to X-Forwarded-For."""
    api = FastAPI(title="Stargate LLM Gateway", openapi_url=None, redirect_slashes=False)
    for router in (*FOR_CLIENTS, health.router):
        api.include_router(router)
    if with_metrics:
        api.include_router(metrics.public_router)
    return _front_door(api, services, proxies)


def internal_app(services: Services, *, proxies: int = 0) -> ASGIApp:
    """The same and administration, for the socket that is never published."""
    return _front_door(internal_api(), services, proxies)


def internal_api() -> FastAPI:
    """All routes that there are, and the document that describes them."""
    # The pages that FastAPI has for this load their scripts from another host.
    api = FastAPI(
        title="Stargate LLM Gateway (internal)",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (
        *FOR_CLIENTS,
        health.internal_router,
        health.router,
        *FOR_ADMINISTRATORS,
        metrics.router,
    ):
        api.include_router(router)
    describe(api)
    return api


def _front_door(api: FastAPI, services: Services, proxies: int) -> ASGIApp:
    api.state.services, api.state.proxies = services, proxies
    api.add_exception_handler(GatewayError, errors.gateway_error)
    api.add_exception_handler(HTTPException, errors.http_error)
    api.add_exception_handler(RequestValidationError, errors.validation_error)
    api.add_exception_handler(Exception, errors.unexpected_error)
    return RequestContext(Shortcut(api, inference.router.routes))

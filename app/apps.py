"""The public and the internal ASGI application: request ids, errors, routes."""

import logging
from collections.abc import Iterable
from secrets import token_hex
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.catalog.routes import betas, model_overrides, models, profiles
from app.errors import GatewayError
from app.identity.routes import audit, budgets, keys, users
from app.inference.routes import bedrock, completions, count_tokens
from app.services import Services
from app.spend.routes import logs, reports, usage
from app.telemetry.routes import metrics
from app.web import errors
from app.web.errors import error_response, speaks_bedrock, unexpected_error
from app.web.openapi import describe
from app.web.routes import health

log = logging.getLogger(__name__)


class RequestContext:
    """Pure ASGI. Puts `request_id` into the scope and `request-id` on the response; for clients
    of Bedrock also under the name that they know."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{token_hex(12)}"
        scope["request_id"] = request_id
        named = [(b"request-id", request_id.encode())]
        if speaks_bedrock(scope["path"]):
            named.append((b"x-amzn-requestid", request_id.encode()))

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *named]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception:
            log.exception("a request failed unexpectedly", extra={"request_id": request_id})
            raise


class Shortcut:
    """Pure ASGI. A POST to the exact path of one of `routes` goes to its endpoint at once; all else
    goes through `api`, which has the same routes, documents them, and refuses other methods."""

    def __init__(self, api: FastAPI, routes: Iterable[BaseRoute]) -> None:
        self._api = api
        self._routes = {route.path: route for route in routes if isinstance(route, APIRoute)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope.get("path", ""))
        if route is None or scope["type"] != "http" or scope["method"] != "POST":
            await self._api(scope, receive, send)
            return
        scope["app"], scope["route"] = self._api, route
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except GatewayError as error:
            response = error_response(request, error)
        except Exception as error:
            await (await unexpected_error(request, error))(scope, receive, send)
            raise
        await response(scope, receive, send)


FOR_CLIENTS: Final = (
    completions.router,
    count_tokens.router,
    models.router,
    bedrock.router,
    profiles.router,
    usage.router,
)

FOR_ADMINISTRATORS: Final = (
    users.router,
    keys.router,
    budgets.router,
    model_overrides.router,
    betas.router,
    reports.router,
    logs.router,
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
    return RequestContext(Shortcut(api, completions.router.routes))

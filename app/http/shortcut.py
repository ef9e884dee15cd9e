"""The way of the busiest endpoints past the framework's layers (ADR 19)."""

from collections.abc import Iterable

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from app.errors import GatewayError
from app.http.errors import error_response, unexpected_error


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

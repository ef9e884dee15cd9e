"""`/key/*`: API keys."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead, AdminRoute, AdminWrite
from app.database.paging import Cut, Order
from app.errors import Conflict, InvalidRequest, NotFound
from app.identity.listing import KeyFilter, KeyOrder
from app.identity.routes import examples
from app.identity.routes.shapes import documented, key_row, new_key_row, pages
from app.services import services
from app.web.fields import AllowanceFields, Body, Name, Query, Secret, Text
from app.web.numbers import PageNumber, PageSize
from app.web.responses import json_response

router = APIRouter(
    prefix="/key", tags=["keys"], dependencies=DOCUMENTED_KEYS, route_class=AdminRoute
)

NOT_FOUND: Final = NotFound("No such key.")

TAKEN: Final = Conflict("A key with the alias 'adas-laptop' exists already.")

Tags = Annotated[list[Annotated[Name, Field(max_length=64)]], Field(max_length=20)]


class KeyFields(AllowanceFields):
    """What is kept of a key. `duration` is how long it lives from now, as `90d`."""

    key_alias: Name | None = None
    user_id: Text | None = None
    duration: Text | None = None
    tags: Tags | None = None


class KeyGenerate(KeyFields):
    """A key to be made. Without `user_id` it belongs to nobody; `key` is a value of one's own."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.KEY_OF_ADA]})

    key: Secret | None = None


class KeyUpdate(KeyFields):
    """Fields to be changed: what isn't sent stays, null clears."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": examples.KEY_ID,
                    "temp_budget_increase": 20,
                    "temp_budget_expiry": "7d",
                }
            ]
        }
    )

    key: Secret


class KeyName(Body):
    """A key, or the `token` that lists show."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": examples.KEY_ID}]})

    key: Secret


class KeyNames(Body):
    """Keys, their tokens, or their aliases."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key_aliases": ["adas-laptop"]}]})

    keys: Annotated[list[Secret], Field(max_length=100)] | None = None
    key_aliases: Annotated[list[Text], Field(max_length=100)] | None = None


class Rotation(KeyFields):
    """A new secret for a key. Earlier secrets keep working for the `grace_period`, such as `24h`;
    without it they stop at once. Fields may be changed in the same step."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grace_period": "24h"}]})

    new_key: Secret | None = None
    grace_period: Text | None = None


class KeyRegenerate(Rotation):
    """The same, with the key's name in the body."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"key": examples.KEY_ID, "grace_period": "24h"}]}
    )

    key: Secret


class KeyList(Query):
    """Which keys, in what order."""

    page: PageNumber = 1
    size: PageSize = 10
    user_id: Text | None = None
    key_alias: Text | None = None
    key_hash: Text | None = None
    blocked: bool | None = None
    budget_id: Text | None = None
    tag: Text | None = None
    return_full_object: bool = False
    sort_by: KeyOrder = "created_at"
    sort_order: Order = "asc"

    def which(self) -> KeyFilter:
        return KeyFilter(
            self.user_id, self.key_hash, self.key_alias, self.blocked, self.budget_id, self.tag
        )

    def cut(self) -> Cut:
        return Cut(self.sort_by, self.sort_order, self.size, (self.page - 1) * self.size)


@router.post("/generate", summary="Make a key", responses=documented(examples.NEW_KEY, TAKEN))
async def generate_key(request: Request, body: KeyGenerate, by: AdminWrite) -> Response:
    """Makes a key, which is shown this once."""
    use = services(request)
    made = await use.keys.add(body.sent(), by.who, by.author)
    return json_response(new_key_row(made, use.spendings.none(made.key)))


@router.get(
    "/info",
    summary="Show a key",
    responses=documented({"key": examples.KEY_ID, "info": examples.KEY}, NOT_FOUND),
)
async def key_info(request: Request, by: AdminRead, key: Secret | None = None) -> Response:
    """A key with its spend, by the key itself or by its `token`; without one, the key that asks."""
    use = services(request)
    if key is None and by.who.caller is not None:
        key = by.who.caller.key.id
    if key is None:
        raise InvalidRequest("key: name the key, or its hash")
    found = await use.keys.get(key)
    return json_response({"key": found.id, "info": key_row(found, await use.spendings.of(found))})


@router.get(
    "/list",
    summary="List keys",
    responses=documented(
        {"keys": [examples.KEY_ID], "total_count": 1, "current_page": 1, "total_pages": 1}
    ),
)
async def list_keys(
    request: Request, query: Annotated[KeyList, InQuery()], by: AdminRead
) -> Response:
    """Some keys at a time: their tokens, or all of their fields with `return_full_object=true`.
    `key_alias` may be a part, in any case of letters."""
    del by
    use = services(request)
    found = await use.keys.list(query.which(), query.cut())
    rows: list[Any] = [key.id for key in found.records]
    if query.return_full_object:
        spendings = await use.spendings.of_all(found.records)
        rows = [key_row(*pair) for pair in zip(found.records, spendings, strict=True)]
    return json_response(
        {
            "keys": rows,
            "total_count": found.total,
            "current_page": query.page,
            "total_pages": pages(found.total, query.size),
        }
    )


CHANGED: Final[dict[str, Any]] = {"key": examples.KEY_ID, **examples.KEY}


@router.post("/update", summary="Change a key", responses=documented(CHANGED, NOT_FOUND, TAKEN))
async def update_key(request: Request, body: KeyUpdate, by: AdminWrite) -> Response:
    """What isn't sent stays; null clears a field. In force in every gateway within a second."""
    return await _changed(request, body.key, body.sent("key"), by)


@router.post("/block", summary="Block a key", responses=documented(CHANGED, NOT_FOUND))
async def block_key(request: Request, body: KeyName, by: AdminWrite) -> Response:
    """Stops a key within a second, in every gateway."""
    return await _changed(request, body.key, {"blocked": True}, by)


@router.post("/unblock", summary="Unblock a key", responses=documented(CHANGED, NOT_FOUND))
async def unblock_key(request: Request, body: KeyName, by: AdminWrite) -> Response:
    """Lets a key work again."""
    return await _changed(request, body.key, {"blocked": False}, by)


ROTATED: Final = documented(examples.NEW_KEY, NOT_FOUND, Conflict("This key exists already."))


@router.post("/regenerate", summary="Replace a key's secret", responses=ROTATED)
async def regenerate(request: Request, body: KeyRegenerate, by: AdminWrite) -> Response:
    """Another secret for the same key, shown this once. Spend, budgets and `token` stay."""
    return await _rotated(request, body.key, body, by)


@router.post("/{key}/regenerate", summary="Replace a key's secret", responses=ROTATED)
async def regenerate_by_path(
    request: Request, key: Secret, by: AdminWrite, body: Rotation | None = None
) -> Response:
    """The same; best with the key's `token`, as addresses end up in logs."""
    return await _rotated(request, key, body or Rotation(), by)


@router.post(
    "/delete",
    summary="Delete keys",
    responses=documented({"deleted_keys": ["adas-laptop"]}, NOT_FOUND),
)
async def delete_keys(request: Request, body: KeyNames, by: AdminWrite) -> Response:
    """Deletes all of them or none. What they spent stays in the spend log."""
    keys, aliases = body.keys or [], body.key_aliases or []
    if not keys and not aliases:
        raise InvalidRequest("keys: name the keys, or send key_aliases")
    await services(request).keys.delete(keys, aliases, by.who, by.author)
    return json_response({"deleted_keys": [*keys, *aliases]})


async def _changed(request: Request, name: str, sent: dict[str, Any], by: AdminWrite) -> Response:
    use = services(request)
    key = await use.keys.update(name, sent, by.who, by.author)
    return json_response({"key": key.id, **key_row(key, await use.spendings.of(key))})


async def _rotated(request: Request, name: str, body: Rotation, by: AdminWrite) -> Response:
    use = services(request)
    changes = body.sent("key", "new_key", "grace_period")
    made = await use.keys.replace(name, body.new_key, body.grace_period, changes, by.who, by.author)
    return json_response(new_key_row(made, await use.spendings.if_readable(made.key)))

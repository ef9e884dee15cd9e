"""`/user/*`: who uses the gateway."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead, AdminRoute, AdminWrite
from app.database.paging import Cut, Order
from app.errors import Conflict, InvalidRequest, NotFound
from app.identity.listing import UserFilter, UserOrder
from app.identity.policy import Role
from app.identity.routes import examples
from app.identity.routes.shapes import documented, key_row, new_key_row, pages, user_row
from app.services import services
from app.web.fields import AllowanceFields, Body, Name, NewId, Query, Text
from app.web.numbers import PageNumber, PageSize
from app.web.responses import json_response

router = APIRouter(
    prefix="/user", tags=["users"], dependencies=DOCUMENTED_KEYS, route_class=AdminRoute
)

NOT_FOUND: Final = NotFound("User ada not found")

EXISTS: Final = Conflict("User with id ada already exists.")

Ids = Annotated[str, Field(max_length=20_000, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Separated by commas."""


class UserFields(AllowanceFields):
    """What is kept of a user."""

    user_email: Text | None = None
    user_alias: Name | None = None
    user_role: Role | None = None


class UserNew(UserFields):
    """A user to be made, and what the first key is to be called."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.USER_ADA]})

    user_id: NewId | None = None
    auto_create_key: bool = True
    key_alias: Name | None = None
    duration: Text | None = None


class UserUpdate(UserFields):
    """Fields to be changed: what isn't sent stays, null clears. The user goes by `user_id`; without
    it by `user_email`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "ada", "max_budget": 80, "soft_budget": None}]}
    )

    user_id: Text | None = None


class UserName(Body):
    """A user by id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": "ada"}]})

    user_id: Text


class UserNames(Body):
    """Users by their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_ids": ["ada"]}]})

    user_ids: Annotated[list[Text], Field(min_length=1, max_length=100)]


class UserList(Query):
    """Which users, in what order."""

    page: PageNumber = 1
    page_size: PageSize = 25
    user_ids: Ids | None = None
    user_email: Text | None = None
    user_alias: Text | None = None
    role: Role | None = None
    blocked: bool | None = None
    budget_id: Text | None = None
    sort_by: UserOrder = "created_at"
    sort_order: Order = "asc"

    def which(self) -> UserFilter:
        ids = None
        if self.user_ids is not None:
            ids = tuple(id_.strip() for id_ in self.user_ids.split(","))
        return UserFilter(
            ids, self.user_email, self.user_alias, self.role, self.blocked, self.budget_id
        )

    def cut(self) -> Cut:
        offset = (self.page - 1) * self.page_size
        return Cut(self.sort_by, self.sort_order, self.page_size, offset)


@router.post(
    "/new", summary="Make a user", responses=documented(examples.NEW_KEY | examples.USER, EXISTS)
)
async def new_user(request: Request, body: UserNew, by: AdminWrite) -> Response:
    """Makes a user and, unless `auto_create_key` is false, a key, which is shown this once."""
    use = services(request)
    user, made = await use.users.add(
        body.sent("auto_create_key", "key_alias", "duration"),
        {"key_alias": body.key_alias, "duration": body.duration} if body.auto_create_key else None,
        by.who,
        by.author,
    )
    row = user_row(user, use.spendings.none(user))
    if made is None:
        return json_response({"key": "", **row})
    return json_response(new_key_row(made, use.spendings.none(made.key)) | row)


@router.get(
    "/info",
    summary="Show a user",
    responses=documented(
        {"user_id": "ada", "user_info": examples.USER, "keys": [examples.KEY], "teams": []},
        NOT_FOUND,
    ),
)
async def user_info(request: Request, user_id: Text, by: AdminRead) -> Response:
    """A user with spend and keys."""
    del by
    use = services(request)
    user, keys = await use.users.get(user_id)
    of_user, *of_keys = await use.spendings.of_all([user, *keys])
    return json_response(
        {
            "user_id": user.id,
            "user_info": user_row(user, of_user),
            "keys": [key_row(*pair) for pair in zip(keys, of_keys, strict=True)],
            "teams": [],
        }
    )


@router.get(
    "/list",
    summary="List users",
    responses=documented(
        {
            "users": [{**examples.USER, "key_count": 1}],
            "total": 1,
            "page": 1,
            "page_size": 25,
            "total_pages": 1,
        }
    ),
)
async def list_users(
    request: Request, query: Annotated[UserList, InQuery()], by: AdminRead
) -> Response:
    """Some users at a time. `user_email` and `user_alias` may be a part, in any case of letters;
    `user_ids` are separated by commas. `sort_by` `spend` sorts by lifetime spend."""
    del by
    use = services(request)
    found = await use.users.list(query.which(), query.cut())
    spendings = await use.spendings.of_all([summary.user for summary in found.records])
    rows = [
        {**user_row(summary.user, spending), "key_count": summary.key_count}
        for summary, spending in zip(found.records, spendings, strict=True)
    ]
    return json_response(
        {
            "users": rows,
            "total": found.total,
            "page": query.page,
            "page_size": query.page_size,
            "total_pages": pages(found.total, query.page_size),
        }
    )


CHANGED: Final[dict[str, Any]] = {"user_id": "ada", "data": examples.USER}


@router.post("/update", summary="Change a user", responses=documented(CHANGED, NOT_FOUND))
async def update_user(request: Request, body: UserUpdate, by: AdminWrite) -> Response:
    """What isn't sent stays; null clears a field. In force in every gateway within a second."""
    if body.user_id is not None:
        return await _changed(request, body.user_id, body.sent("user_id"), by)
    if body.user_email is None:
        raise InvalidRequest("user_id: name the user, or send user_email")
    user = await services(request).users.by_email(body.user_email)
    return await _changed(request, user.id, body.sent("user_id", "user_email"), by)


@router.post("/block", summary="Block a user", responses=documented(CHANGED, NOT_FOUND))
async def block_user(request: Request, body: UserName, by: AdminWrite) -> Response:
    """Stops all keys of a user within a second, in every gateway."""
    return await _changed(request, body.user_id, {"blocked": True}, by)


@router.post("/unblock", summary="Unblock a user", responses=documented(CHANGED, NOT_FOUND))
async def unblock_user(request: Request, body: UserName, by: AdminWrite) -> Response:
    """Lets the keys of a user work again, but for those that are blocked themselves."""
    return await _changed(request, body.user_id, {"blocked": False}, by)


@router.post("/delete", summary="Delete users", responses=documented(1, NOT_FOUND))
async def delete_users(request: Request, body: UserNames, by: AdminWrite) -> Response:
    """Deletes users and all of their keys; answers how many users. What they spent stays in the
    spend log."""
    return json_response(await services(request).users.delete(body.user_ids, by.who, by.author))


async def _changed(
    request: Request, user_id: str, sent: dict[str, Any], by: AdminWrite
) -> Response:
    use = services(request)
    user = await use.users.update(user_id, sent, by.who, by.author)
    row = user_row(user, await use.spendings.of(user))
    return json_response({"user_id": user.id, "data": row})

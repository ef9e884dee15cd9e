"""`/budget/*`: budgets by name, which keys and users refer to by `budget_id`."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead, AdminRoute, AdminWrite
from app.errors import Conflict, NotFound
from app.identity.routes import examples
from app.identity.routes.shapes import documented, template_row
from app.services import services
from app.web.fields import Body, BudgetFields, NewId, Text
from app.web.responses import json_response

router = APIRouter(
    prefix="/budget", tags=["budgets"], dependencies=DOCUMENTED_KEYS, route_class=AdminRoute
)

NOT_FOUND: Final = NotFound("There is no budget 'developers'.")


class BudgetNew(BudgetFields):
    """A budget to be made; without `budget_id` it gets one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"budget_id": "developers", "max_budget": 50, "budget_duration": "1mo"}]
        }
    )

    budget_id: NewId | None = None


class BudgetUpdate(BudgetFields):
    """Fields to be changed: what isn't sent stays, null clears."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"budget_id": "developers", "max_budget": 60}]}
    )

    budget_id: Text


class BudgetNames(Body):
    """Budgets by their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"budgets": ["developers"]}]})

    budgets: Annotated[list[Text], Field(min_length=1, max_length=100)]


class BudgetName(Body):
    """A budget by its id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "developers"}]})

    id: Text


@router.post(
    "/new",
    summary="Make a budget",
    responses=documented(
        examples.TEMPLATE, Conflict("A budget with the id 'developers' exists already.")
    ),
)
async def new_budget(request: Request, body: BudgetNew, by: AdminWrite) -> Response:
    """Each key and user that refers to it spends it for itself; their own fields go before its."""
    return json_response(template_row(await services(request).budgets.add(body.sent(), by.author)))


@router.post("/info", summary="Show budgets", responses=documented([examples.TEMPLATE], NOT_FOUND))
async def budget_info(request: Request, body: BudgetNames, by: AdminRead) -> Response:
    """Budgets by their ids."""
    del by
    found = await services(request).budgets.get(body.budgets)
    return json_response([template_row(template) for template in found])


@router.get("/list", summary="List budgets", responses=documented([examples.TEMPLATE]))
async def list_budgets(request: Request, by: AdminRead) -> Response:
    """All budgets, by id."""
    del by
    return json_response([template_row(t) for t in await services(request).budgets.all()])


@router.post(
    "/update", summary="Change a budget", responses=documented(examples.TEMPLATE, NOT_FOUND)
)
async def update_budget(request: Request, body: BudgetUpdate, by: AdminWrite) -> Response:
    """For all that refer to it, within a second, in every gateway."""
    use = services(request).budgets
    changed = await use.update(body.budget_id, body.sent("budget_id"), by.who, by.author)
    return json_response(template_row(changed))


@router.post(
    "/delete",
    summary="Delete a budget",
    responses=documented(
        examples.TEMPLATE, NOT_FOUND, Conflict("The budget 'developers' is in use by user ada.")
    ),
)
async def delete_budget(request: Request, body: BudgetName, by: AdminWrite) -> Response:
    """Only when nobody refers to it any more."""
    return json_response(template_row(await services(request).budgets.delete(body.id, by.author)))

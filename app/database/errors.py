"""What PostgreSQL's constraints say, in the words of the API."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import errors

from app.errors import Conflict, GatewayError, InvalidRequest, NotFound

INCREASE: Final = "temp_budget_increase and temp_budget_expiry: neither goes without the other"

WORDS: Final = {
    "api_key_key_alias_key": (Conflict, "A key with the alias {key_alias!r} exists already."),
    "gateway_user_pkey": (Conflict, "User with id {user_id} already exists."),
    "budget_pkey": (Conflict, "A budget with the id {budget_id!r} exists already."),
    "operator_model_model_name_key": (Conflict, "A model named {model_name!r} was added already."),
    "api_key_user_id_fkey": (NotFound, "There is no user {user_id!r}; make it by /user/new."),
    "api_key_budget_id_fkey": (NotFound, "There is no budget {budget_id!r}; see /budget/list."),
    "gateway_user_budget_id_fkey": (
        NotFound,
        "There is no budget {budget_id!r}; see /budget/list.",
    ),
    "api_key_increase_has_end": (InvalidRequest, INCREASE),
    "gateway_user_increase_has_end": (InvalidRequest, INCREASE),
}


def refused(error: errors.IntegrityError, values: Mapping[str, Any]) -> GatewayError:
    """The error that a violated constraint stands for; `values` are the columns as sent."""
    kind, words = WORDS.get(
        error.diag.constraint_name or "", (Conflict, "This key exists already.")
    )
    return kind(words.format(**values))

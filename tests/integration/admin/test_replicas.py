"""What one gateway is told, every other acts on within a second."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.asking import may_use, message, status_of
from tests.support.processes import GatewayProcess, gateway_process
from tests.support.stack import Stack
from tests.support.waiting import busy, until

Change = Callable[[GatewayProcess, str], object]


@pytest.fixture
def other(own_stack: Stack, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A second gateway on the same database, which keeps what it knows for very long."""
    folder = tmp_path / "other"
    folder.mkdir()
    with gateway_process(
        own_stack.database_url,
        own_stack.emulator.url,
        folder,
        {"GATEWAY_KEY_CACHE_TTL_SECONDS": "60"},
    ) as gateway:
        yield gateway


async def seen(holds: Callable[[], object]) -> None:
    """Wait for it, and fail if that took more than a second of an idle machine."""
    started = time.monotonic()
    await until(holds)
    assert time.monotonic() - started < busy(1)


STOPS: dict[str, Change] = {
    "key block": lambda gateway, key: gateway.admin("POST", "/key/block", key=key),
    "key delete": lambda gateway, key: gateway.admin("POST", "/key/delete", keys=[key]),
    "key regenerate": lambda gateway, key: gateway.admin("POST", "/key/regenerate", key=key),
    "user block": lambda gateway, key: gateway.admin("POST", "/user/block", user_id="ada"),
    "user delete": lambda gateway, key: gateway.try_admin(
        "POST", "/user/delete", user_ids=["ada"]
    ).raise_for_status(),
}


@pytest.mark.parametrize("change", STOPS)
async def test_a_key_that_is_stopped_is_stopped_everywhere(
    own_stack: Stack, other: GatewayProcess, change: str
) -> None:
    key = own_stack.gateway.admin("POST", "/user/new", user_id="ada")["key"]
    assert status_of(other, key) == 200

    STOPS[change](own_stack.gateway, key)

    assert status_of(own_stack.gateway, key) == 401
    await seen(lambda: status_of(other, key) == 401)


async def test_a_secret_in_its_grace_period_hears_of_changes_too(
    own_stack: Stack, other: GatewayProcess
) -> None:
    old = own_stack.gateway.admin("POST", "/user/new", user_id="ada")["key"]
    new = own_stack.gateway.admin("POST", "/key/regenerate", key=old, grace_period="1d")["key"]
    assert [status_of(other, key) for key in (old, new)] == [200, 200]

    own_stack.gateway.admin("POST", "/user/block", user_id="ada")

    await seen(lambda: [status_of(other, key) for key in (old, new)] == [401, 401])
    own_stack.gateway.admin("POST", "/user/unblock", user_id="ada")
    await seen(lambda: [status_of(other, key) for key in (old, new)] == [200, 200])


BUDGETS: dict[str, Change] = {
    "key": lambda gateway, key: gateway.admin("POST", "/key/update", key=key, max_budget=0),
    "user": lambda gateway, key: gateway.admin("POST", "/user/update", user_id="ada", max_budget=0),
    "named budget": lambda gateway, key: gateway.admin(
        "POST", "/budget/update", budget_id="shared", max_budget=0
    ),
}


@pytest.mark.parametrize("change", BUDGETS)
async def test_a_changed_budget_holds_everywhere(
    own_stack: Stack, other: GatewayProcess, change: str
) -> None:
    own_stack.gateway.admin("POST", "/budget/new", budget_id="shared", max_budget=5)
    own_stack.gateway.admin("POST", "/user/new", user_id="ada", auto_create_key=False)
    key = own_stack.gateway.new_key(user_id="ada", budget_id="shared")
    assert message(other, key).status_code == 200

    BUDGETS[change](own_stack.gateway, key)

    await seen(lambda: message(other, key).status_code == 429)


MODEL_LISTS: dict[str, Change] = {
    "key": lambda gateway, key: gateway.admin(
        "POST", "/key/update", key=key, models=["claude-haiku-4-5"]
    ),
    "user": lambda gateway, key: gateway.admin(
        "POST", "/user/update", user_id="ada", models=["claude-haiku-4-5"]
    ),
}


@pytest.mark.parametrize("change", MODEL_LISTS)
async def test_a_changed_model_list_holds_everywhere(
    own_stack: Stack, other: GatewayProcess, change: str
) -> None:
    key = own_stack.gateway.admin("POST", "/user/new", user_id="ada")["key"]
    assert len(may_use(other, key)) > 5

    MODEL_LISTS[change](own_stack.gateway, key)

    await seen(lambda: may_use(other, key) == {"claude-haiku-4-5"})


async def test_a_model_that_is_added_or_dropped_is_so_everywhere(
    own_stack: Stack, other: GatewayProcess
) -> None:
    key = own_stack.gateway.new_key()
    assert message(other, key, "the-quick-one").status_code == 404

    own_stack.gateway.admin(
        "POST",
        "/model/new",
        model_name="the-quick-one",
        litellm_params={"model": "claude-haiku-4-5"},
        model_info={"id": "quick"},
    )
    await seen(lambda: message(other, key, "the-quick-one").status_code == 200)

    own_stack.gateway.admin("POST", "/model/delete", id="quick")
    await seen(lambda: message(other, key, "the-quick-one").status_code == 404)


def test_a_gateway_that_starts_knows_the_operators_models_from_its_first_request(
    own_stack: Stack, tmp_path: Path
) -> None:
    key = own_stack.gateway.new_key()
    own_stack.gateway.admin(
        "POST",
        "/model/new",
        model_name="the-quick-one",
        litellm_params={"model": "claude-haiku-4-5"},
    )

    with gateway_process(own_stack.database_url, own_stack.emulator.url, tmp_path) as gateway:
        assert message(gateway, key, "the-quick-one").status_code == 200


async def test_a_role_that_is_taken_away_is_gone_everywhere(
    own_stack: Stack, other: GatewayProcess
) -> None:
    made = own_stack.gateway.admin("POST", "/user/new", user_id="ada", user_role="proxy_admin")
    assert other.try_as(made["key"], "GET", "/user/list").status_code == 200

    own_stack.gateway.admin("POST", "/user/update", user_id="ada", user_role=None)

    await seen(lambda: other.try_as(made["key"], "GET", "/user/list").status_code == 403)

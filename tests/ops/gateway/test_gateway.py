"""The commands about the gateway, against a real one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from ops.errors import Denied, Misuse, NotFound, Unreachable
from ops.exits import Exit
from ops.result import Level
from tests.ops.support.world import World, facts, notes, rows
from tests.support.stack import Stack

MODEL = "claude-haiku-4-5"


@pytest.fixture(autouse=True)
def _today(world: World) -> None:
    """The gateway books by the real day."""
    world.clock.now = datetime.now(UTC)


def spent(stack: Stack, key: str) -> Decimal:
    """After one call with the key."""
    response = httpx.post(
        f"{stack.gateway.public_url}/v1/messages",
        headers={"authorization": f"Bearer {key}"},
        json={
            "model": MODEL,
            "max_tokens": 20,
            "messages": [{"role": "user", "content": "hello"}],
        },
    )
    assert response.status_code == 200, response.text
    return Decimal(str(stack.gateway.admin("GET", "/key/info", key=key)["info"]["spend"]))


def checks(world: World, *words: str) -> dict[str, bool]:
    return {
        row["check"]: row["passed"]
        for row in rows(world.run("gateway", "smoke", *words), "Smoke test")
    }


def test_health_is_asked_at_both_addresses(world: World, stack: Stack) -> None:
    result = world.run("gateway", "health")

    assert [row["status"] for row in rows(result, "Health")] == [200] * 4
    assert result.exit is Exit.OK


def test_a_gateway_that_is_not_ready_is_not_well(world: World, own_stack: Stack) -> None:
    own_stack.execute("ALTER TABLE schema_migration RENAME TO schema_migration_gone")

    result = world.run("gateway", "health", "--internal-url", own_stack.gateway.internal_url)

    assert result.exit is Exit.FAILED
    assert any("503" in one for one in notes(result, Level.ERROR))


def test_a_gateway_that_is_not_there_is_told(world: World) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        world.run("gateway", "health", "--url", "http://127.0.0.1:9")


def test_a_smoke_test_asks_everything_and_says_what_it_cost(world: World, stack: Stack) -> None:
    world.environ["GATEWAY_SMOKE_KEY"] = stack.gateway.new_key()

    result = world.run("gateway", "smoke")

    found = {row["check"]: row for row in rows(result, "Smoke test")}
    assert list(found) == [
        *("liveliness", "readiness", "models", "message", "streamed message", "cost"),
    ]
    assert all(row["passed"] for row in found.values())
    assert Decimal(found["cost"]["told"].removesuffix(" USD")) > 0
    assert "haiku" in found["message"]["told"]


def test_a_key_is_made_for_it_and_deleted(world: World, stack: Stack) -> None:
    before = stack.gateway.admin("GET", "/key/list", size=1)["total_count"]

    assert all(checks(world).values())

    assert stack.gateway.admin("GET", "/key/list", size=1)["total_count"] == before


def test_without_a_key_health_alone_is_asked(world: World) -> None:
    del world.environ["GATEWAY_INTERNAL_URL"]

    assert checks(world) == {"liveliness": True, "readiness": True}


def test_a_key_that_may_not_is_a_failed_check(world: World, stack: Stack) -> None:
    world.environ["GATEWAY_SMOKE_KEY"] = "sk-nobody"

    result = world.run("gateway", "smoke", "--model", MODEL)

    assert result.exit is Exit.FAILED
    assert any(one.startswith("message: HTTP 401") for one in notes(result, Level.ERROR))


def test_an_error_within_a_stream_is_a_failed_check(world: World, stack: Stack) -> None:
    world.environ["GATEWAY_SMOKE_KEY"] = stack.gateway.new_key(models=["claude-sonnet-4-5"])

    found = checks(world, "--model", MODEL)

    assert found["models"]
    assert not found["message"]
    assert not found["streamed message"]


def test_spend_is_shown_by_user_key_and_model(world: World, stack: Stack) -> None:
    user = stack.gateway.admin("POST", "/user/new", user_email="spender@example.com")
    cost = spent(stack, user["key"])

    result = world.run("gateway", "spend", "--since", "1d", "--top", "1000")

    (mine,) = (row for row in rows(result, "By user") if row["user"] == "spender@example.com")
    assert (mine["requests"], mine["USD"]) == (1, cost)
    assert MODEL in {row["model"] for row in rows(result, "By model")}
    assert facts(result, "In all")["USD"] >= cost


def test_keys_near_their_budget_are_found(world: World, stack: Stack) -> None:
    secret = stack.gateway.new_key(key_alias="nearly-spent", max_budget="0.01")
    cost = spent(stack, secret)
    stack.gateway.admin("POST", "/key/update", key=secret, max_budget=f"{cost * 10 / 9:.8f}")
    stack.gateway.new_key(key_alias="fresh", max_budget=10)

    found = rows(world.run("gateway", "keys", "--near", "80%"), "Keys")

    (mine,) = (row for row in found if row["alias"] == "nearly-spent")
    assert mine["percent"] in (89, 90)
    assert "fresh" not in {row["alias"] for row in found}


def test_an_increase_that_is_over_counts_no_more(world: World, stack: Stack) -> None:
    until = (world.clock.now + timedelta(hours=1)).isoformat()
    stack.gateway.new_key(
        key_alias="increased", max_budget=10, temp_budget_increase=5, temp_budget_expiry=until
    )

    def cap() -> Decimal:
        found = rows(world.run("gateway", "keys"), "Keys")
        (mine,) = (row for row in found if row["alias"] == "increased")
        return Decimal(mine["budget USD"])

    assert cap() == 15
    world.clock.now += timedelta(hours=2)
    assert cap() == 10


def test_keys_that_expire_are_found(world: World, stack: Stack) -> None:
    stack.gateway.new_key(key_alias="short", duration="2d")
    stack.gateway.new_key(key_alias="long", duration="90d")

    found = {
        row["alias"]: row["state"]
        for row in rows(world.run("gateway", "keys", "--expired"), "Keys")
    }
    assert found["short"] == "expires soon"
    assert "long" not in found

    world.clock.now += timedelta(days=3)
    found = {
        row["alias"]: row["state"]
        for row in rows(world.run("gateway", "keys", "--expired"), "Keys")
    }
    assert found["short"] == "expired"


def test_the_key_may_come_from_secrets_manager(world: World) -> None:
    master = world.environ.pop("GATEWAY_MASTER_KEY")
    secrets = world.client("secretsmanager")
    secrets.create_secret(Name="stargate-poc/gateway/master-key", SecretString=master)

    assert world.run("gateway", "keys").exit is Exit.OK


def test_a_secret_that_is_not_there_is_told(world: World) -> None:
    del world.environ["GATEWAY_MASTER_KEY"]

    with pytest.raises(NotFound):
        world.run("gateway", "keys")


def test_a_wrong_key_is_told(world: World) -> None:
    world.environ["GATEWAY_MASTER_KEY"] = "sk-wrong"

    with pytest.raises(Denied, match="Authentication failed"):
        world.run("gateway", "spend")


@pytest.mark.parametrize("url", ["localhost:4001", "ftp://x"])
def test_an_address_that_is_none_is_told(world: World, url: str) -> None:
    with pytest.raises(Misuse, match="is not a valid address"):
        world.run("gateway", "keys", "--internal-url", url)


def test_no_key_is_shown(world: World, stack: Stack) -> None:
    secret = stack.gateway.new_key(key_alias="hidden")
    world.environ["GATEWAY_SMOKE_KEY"] = secret

    shown = [str(world.run("gateway", command)) for command in ("keys", "smoke", "spend", "health")]

    assert secret not in "".join(shown + world.said)
    assert world.environ["GATEWAY_MASTER_KEY"] not in "".join(shown + world.said)


def test_costs_have_the_gateways_own_figure_beside_them(world: World, stack: Stack) -> None:
    from tests.ops.test_cost import FakeCostExplorer

    bill = FakeCostExplorer()
    bill.account = {"Claude Haiku 4.5 (Amazon Bedrock Edition)": "12.5"}
    world.fakes["ce"] = bill
    cost = spent(stack, stack.gateway.new_key())

    compared = rows(world.run("cost"), "Compared")

    assert compared[1]["billed USD"] == Decimal("12.5")
    assert compared[1]["expected USD"] >= cost

"""Users and keys in PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.budgets import Budget, Limits
from app.core.ids import KeyHash, UserId
from app.database.database import Database
from app.errors import Conflict, NotFound
from app.identity.budgets import PostgresTemplates, Template
from app.identity.key_lookup import PostgresDirectory
from app.identity.policy import Caller, Policy, hash_key
from app.identity.records import NewSecret, PostgresRecords
from app.ledger.ledger import PostgresLedger
from app.ledger.record import BudgetCounter, Scope
from tests.support.examples import AUTHOR, NOW, TODAY, account, hold, key, settlement, user

BUDGET = Budget(Decimal("12.345678901"), "30d")
FULL_USER = user(
    email="ada@example.org",
    alias="Ada Lovelace ✓",
    models=("claude-opus-5-5", "claude-haiku-4-5"),
    blocked=True,
    budget=BUDGET,
)
FULL_KEY = key(
    user_id=FULL_USER.id,
    models=("claude-haiku-4-5",),
    expires=NOW + timedelta(days=90),
    blocked=True,
    budget=replace(BUDGET, duration="1d"),
)


def at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


async def find(database: Database, key_hash: KeyHash) -> Caller | None:
    return (await PostgresDirectory(database).find([key_hash])).get(key_hash)


@pytest.fixture
def records(database: Database) -> PostgresRecords:
    return PostgresRecords(database)


async def test_a_user_and_a_first_key_are_found_with_every_field(
    records: PostgresRecords, database: Database
) -> None:
    await records.add_user(FULL_USER, FULL_KEY, AUTHOR)

    assert await find(database, FULL_KEY.hash) == Caller(FULL_KEY, FULL_USER)
    assert await records.user(FULL_USER.id) == FULL_USER
    assert await records.keys_of(FULL_USER.id) == [FULL_KEY]


async def test_a_key_without_a_user_is_found(records: PostgresRecords, database: Database) -> None:
    await records.add_key(key(), AUTHOR)

    assert await find(database, key().hash) == Caller(key(), None)


async def test_a_user_without_a_key_is_found(records: PostgresRecords) -> None:
    await records.add_user(user(), None, AUTHOR)

    assert (await records.user(user().id), await records.keys_of(user().id)) == (user(), [])


async def test_what_is_not_there_is_not_found(records: PostgresRecords, database: Database) -> None:
    assert await find(database, KeyHash("0" * 64)) is None
    assert await records.user(UserId("nobody")) is None
    assert await records.keys_of(UserId("nobody")) == []


async def test_keys_are_found_together_each_by_the_hash_that_was_asked_for(
    records: PostgresRecords,
    database: Database,
) -> None:
    secrets = [hash_key(f"sk-{number}") for number in range(3)]
    for number, secret in enumerate(secrets):
        await records.add_key(key(hash=secret, alias=f"{number}"), AUTHOR)

    found = await PostgresDirectory(database).find([*secrets, KeyHash("0" * 64)])

    assert {asked: caller.key.hash for asked, caller in found.items()} == {
        secret: secret for secret in secrets
    }


async def test_keys_of_a_user_come_in_the_order_they_were_made(records: PostgresRecords) -> None:
    await records.add_user(user(), None, AUTHOR)
    made = [
        key(hash=hash_key(f"sk-{name}"), alias=name, user_id=user().id, created_at=at(second))
        for second, name in enumerate(("b", "a", "c"))
    ]
    for each in made:
        await records.add_key(each, AUTHOR)

    assert await records.keys_of(user().id) == made


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hash": hash_key("sk-other")}, "A key with the alias 'a-key' exists already."),
        ({"alias": "other"}, "This key exists already."),
    ],
)
async def test_a_second_key_of_the_same_alias_or_value_is_a_conflict(
    records: PostgresRecords, changes: dict[str, str], said: str
) -> None:
    await records.add_key(key(), AUTHOR)

    with pytest.raises(Conflict) as refused:
        await records.add_key(key(**changes), AUTHOR)

    assert refused.value.message == said


async def test_keys_without_an_alias_are_no_conflict(records: PostgresRecords) -> None:
    for secret in ("sk-1", "sk-2"):
        await records.add_key(key(hash=hash_key(secret), alias=None), AUTHOR)


async def test_a_user_whose_first_key_is_taken_is_not_made(records: PostgresRecords) -> None:
    await records.add_key(key(), AUTHOR)

    with pytest.raises(Conflict, match="a-key"):
        await records.add_user(user(), key(hash=hash_key("sk-other"), user_id=user().id), AUTHOR)

    assert await records.user(user().id) is None


async def test_a_second_user_of_the_same_id_is_a_conflict(records: PostgresRecords) -> None:
    await records.add_user(user(), None, AUTHOR)

    with pytest.raises(Conflict, match="ada already exists"):
        await records.add_user(user(email="other@example.org"), None, AUTHOR)


async def test_a_key_of_an_unknown_user_is_not_made(records: PostgresRecords) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await records.add_key(key(user_id=UserId("nobody")), AUTHOR)


async def test_spend_is_that_of_the_account_asked_for(
    records: PostgresRecords, database: Database
) -> None:
    booked = settlement(hold(account(Scope.KEY), account(Scope.KEY, "5", TODAY)), cost="0.125")
    await PostgresLedger(database).settle(booked)

    async def spent(account: BudgetCounter) -> Decimal:
        return await records.spent(account)

    assert await spent(account(Scope.KEY)) == Decimal("0.125")
    assert await spent(account(Scope.KEY, window=TODAY)) == Decimal("0.125")
    assert await spent(account(Scope.USER)) == 0
    assert await spent(account(Scope.KEY, id_="b")) == 0


async def test_a_statement_that_was_repeated_made_one_key_and_no_conflict(
    records: PostgresRecords,
) -> None:
    made = key(alias="once", budget=Budget(Decimal("1.50"), "1d"))
    await records.add_key(made, AUTHOR)

    await records.add_key(made, AUTHOR)

    with pytest.raises(Conflict):
        await records.add_key(replace(made, blocked=True), AUTHOR)


async def test_a_user_that_was_added_twice_by_a_repeated_statement_is_one(
    records: PostgresRecords,
) -> None:
    for made in (None, key(user_id=user().id)):
        await records.add_user(user(), made, AUTHOR)
        await records.add_user(user(), made, AUTHOR)
        await records.delete_users([user().id], AUTHOR)


async def test_what_two_change_at_once_is_both_changed(
    records: PostgresRecords, database: Database
) -> None:
    await records.add_user(user(), key(user_id=user().id), AUTHOR)
    changes: list[dict[str, Any]] = [
        {"rpm_limit": 1},
        {"tpm_limit": 2},
        {"models": ["m"]},
        {"metadata": {"a": 1}},
    ]

    await asyncio.gather(
        *(records.update_user(user().id, change, AUTHOR) for change in changes),
        *(records.update_key(key().id, change, AUTHOR) for change in changes),
    )

    found = await find(database, key().hash)
    assert found is not None
    for holder in (found.key, found.user):
        assert holder is not None
        assert holder.own.limits == Limits(1, 2)
        assert (holder.own.models, dict(holder.metadata)) == (("m",), {"a": 1})


async def test_no_other_columns_can_be_changed(records: PostgresRecords) -> None:
    with pytest.raises(ValueError, match="no columns"):
        await records.update_key(key().id, {"models = '{}'; --": 1}, AUTHOR)


async def test_a_secret_that_is_replaced_twice_by_a_repeated_statement_is_replaced_once(
    records: PostgresRecords,
    database: Database,
) -> None:
    await records.add_key(key(), AUTHOR)
    new, end = hash_key("sk-new"), NOW + timedelta(days=1)

    for _ in range(2):
        await records.replace_secret(key().id, NewSecret(new, "sk-...new", end), AUTHOR)

    current, retired = await find(database, new), await find(database, key().hash)
    assert current is not None
    assert retired is not None
    assert (current.key.id, current.key.hash, current.key.expires) == (key().id, new, None)
    assert (retired.key.id, retired.key.name, retired.key.expires) == (key().id, key().name, end)


async def test_a_retired_secret_ends_with_its_key(
    records: PostgresRecords, database: Database
) -> None:
    await records.add_key(key(expires=NOW), AUTHOR)
    secret = NewSecret(hash_key("sk-new"), "sk-...new", NOW + timedelta(days=1))
    await records.replace_secret(key().id, secret, AUTHOR)

    retired = await find(database, key().hash)
    assert retired is not None
    assert retired.key.expires == NOW


async def test_what_a_budget_says_goes_behind_what_a_key_says_itself(
    records: PostgresRecords, database: Database
) -> None:
    shared = Policy(budget=Budget(Decimal(50), "1mo"), limits=Limits(rpm=60, tpm=1000))
    await PostgresTemplates(database).add_template(Template("shared", shared), AUTHOR)
    await records.add_user(user(budget_id="shared"), None, AUTHOR)
    own = {"user_id": user().id, "budget_id": "shared", "limits": Limits(rpm=5)}
    await records.add_key(key(**own), AUTHOR)

    found = await find(database, key().hash)
    assert found is not None
    assert found.user is not None
    assert found.user.allowance == shared
    assert found.key.allowance == replace(shared, limits=Limits(rpm=5, tpm=1000))

"""Whatever a key may be allowed, it is found as it was stored."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.budgets import Budget, Increase, Limits
from app.database.database import Database
from app.identity.key_lookup import PostgresDirectory
from app.identity.policy import Caller, Policy
from app.identity.records import PostgresRecords
from tests.support.examples import AUTHOR, key, user

usd = st.decimals(min_value=0, max_value=10**9, places=10)
counts = st.none() | st.integers(0, 2**53)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
durations = st.none() | st.sampled_from(["1d", "30d", "1mo", "24h", "weekly"])
times = st.integers(-(10**10), 10**11).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
speeds = st.builds(Limits, counts, counts)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
allowances = st.builds(
    Policy,
    models=st.lists(names, max_size=4).map(tuple),
    budget=st.builds(
        Budget,
        st.none() | usd,
        durations,
        st.none() | usd,
        st.none() | st.builds(Increase, usd, times),
    ),
    limits=st.builds(Limits, counts, counts, counts),
    model_budgets=st.dictionaries(names, st.builds(Budget, usd, durations), max_size=3),
    model_limits=st.dictionaries(
        names, speeds.filter(lambda limits: limits != Limits()), max_size=3
    ),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    of_key=allowances,
    of_user=allowances,
    metadata=st.dictionaries(names, json, max_size=3),
    tags=st.lists(names, max_size=3).map(tuple),
    expires=st.none() | times,
)
def test_a_key_and_its_user_are_found_as_they_were_stored(
    database_url: str,
    of_key: Policy,
    of_user: Policy,
    metadata: dict[str, object],
    tags: tuple[str, ...],
    expires: datetime | None,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE gateway_user, api_key CASCADE")
    owner = user(own=of_user, metadata=metadata)
    made = key(own=of_key, metadata=metadata, tags=tags, expires=expires, user_id=owner.id)

    async def stored() -> Caller | None:
        async with Database(database_url, pool_size=2, timeout_seconds=20) as database:
            records = PostgresRecords(database)
            await records.add_user(owner, made, AUTHOR)
            return (await PostgresDirectory(database).find([made.hash])).get(made.hash)

    found = asyncio.run(stored())

    assert found == Caller(made, owner)
    assert all(type(budget.max) is Decimal for budget in found.key.own.model_budgets.values())

"""Keys are looked up, remembered for a while, and forgotten when they change."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.errors import (
    AuthenticationFailed,
    BlockedKey,
    DatabaseUnavailable,
    ExpiredKey,
    GatewayError,
    MissingKey,
    TooManyUnknownKeys,
)
from app.identity import authentication
from app.identity.authentication import Authenticator
from app.identity.policy import LONGEST_KEY, Caller, hash_key
from tests.support.examples import KEY_HASH, NOW, SECRET, caller, credentials, key, user
from tests.support.fakes import FakeTime, MemoryDirectory

BLOCKED = "sk-blocked-key-of-the-tests"


class Desk:
    """An authenticator with one good key and one that is blocked."""

    def __init__(self, *, cache_seconds: float = 5, contact: str | None = None) -> None:
        self.time = FakeTime(NOW)
        self.good = caller()
        blocked = Caller(key(hash=hash_key(BLOCKED), blocked=True), None)
        self.directory = MemoryDirectory({KEY_HASH: self.good, blocked.key.hash: blocked})
        self.authenticator = Authenticator(
            self.directory,
            master_key="sk-master",
            cache_seconds=cache_seconds,
            unknown_keys_per_minute=2,
            clock=self.time.clock,
            contact=contact,
        )

    async def ask(self, *keys: str, address: str = "192.0.2.1") -> Caller:
        return await self.authenticator.caller(credentials(*keys, address=address))


async def test_a_good_key_is_its_caller() -> None:
    desk = Desk()

    assert await desk.ask(SECRET) == desk.good


@pytest.mark.parametrize(
    ("keys", "error", "said"),
    [
        ((), MissingKey, "No API key was sent"),
        (("sk-unknown",), AuthenticationFailed, "Invalid API key."),
        ((BLOCKED,), BlockedKey, "is blocked"),
        (("sk-unknown", BLOCKED), BlockedKey, "is blocked"),
        ((BLOCKED, "sk-unknown"), BlockedKey, "is blocked"),
        (("sk-ünknown",), AuthenticationFailed, "Invalid API key."),
        (("x" * 513,), AuthenticationFailed, "Invalid API key."),
    ],
)
async def test_any_other_is_refused_for_the_reason_that_says_most(
    keys: tuple[str, ...], error: type[GatewayError], said: str
) -> None:
    with pytest.raises(GatewayError) as refused:
        await Desk().ask(*keys)

    assert type(refused.value) is error
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("secret", "looked_up"),
    [
        ("sk-ünknown", 0),
        ("x" * (LONGEST_KEY + 1), 0),
        ("x" * LONGEST_KEY, 1),
    ],
)
async def test_what_cannot_be_a_key_is_not_looked_up(secret: str, looked_up: int) -> None:
    desk = Desk()

    with pytest.raises(AuthenticationFailed):
        await desk.ask(secret)

    assert len(desk.directory.lookups) == looked_up


async def test_who_sends_no_key_is_told_how_to_send_one() -> None:
    with pytest.raises(MissingKey) as refused:
        await Desk().ask()

    assert refused.value.message == (
        "No API key was sent. Set ANTHROPIC_AUTH_TOKEN (Claude Code) or send "
        "`Authorization: Bearer <key>`."
    )


@pytest.mark.parametrize("keys", [("sk-unknown", SECRET), (SECRET, BLOCKED)])
async def test_one_good_key_among_several_is_enough(keys: tuple[str, ...]) -> None:
    assert (await Desk().ask(*keys)).key.hash == KEY_HASH


@pytest.mark.parametrize(
    ("owner", "error", "said"),
    [
        (Caller(key(expires=NOW), None), ExpiredKey, "The API key sk-...ests has expired."),
        (Caller(key(blocked=True), None), BlockedKey, "The API key sk-...ests is blocked."),
        (
            Caller(key(user_id="ada"), user(blocked=True)),
            BlockedKey,
            "The user of the API key sk-...ests is blocked.",
        ),
    ],
)
async def test_a_key_of_ours_that_is_no_longer_good_says_why(
    owner: Caller, error: type[GatewayError], said: str
) -> None:
    desk = Desk()
    desk.directory.callers[KEY_HASH] = owner

    with pytest.raises(error) as refused:
        await desk.ask(SECRET)

    assert refused.value.message == said


async def test_refusals_name_whom_to_ask() -> None:
    for keys in ((), ("sk-unknown",), (BLOCKED,)):
        with pytest.raises(AuthenticationFailed, match="Ask it@example"):
            await Desk(contact="it@example.org").ask(*keys)


async def test_a_key_is_remembered_until_its_time_is_over() -> None:
    desk = Desk(cache_seconds=5)
    await desk.ask(SECRET)
    desk.time.advance(4.9)
    await desk.ask(SECRET)
    assert len(desk.directory.lookups) == 1

    desk.time.advance(0.2)
    await desk.ask(SECRET)

    assert len(desk.directory.lookups) == 2


async def test_a_key_is_remembered_for_as_long_as_all_changes_are_heard_of() -> None:
    desk = Desk(cache_seconds=5)
    await desk.ask(SECRET)
    for _ in range(20):
        desk.time.advance(4)
        desk.authenticator.heard_all(0.5)
        await desk.ask(SECRET)
    assert len(desk.directory.lookups) == 1

    desk.time.advance(4.4)
    await desk.ask(SECRET)
    assert len(desk.directory.lookups) == 1
    desk.time.advance(0.2)
    await desk.ask(SECRET)

    assert len(desk.directory.lookups) == 2


async def test_it_is_looked_up_now_and_then_all_the_same() -> None:
    desk = Desk(cache_seconds=5)
    await desk.ask(SECRET)

    desk.time.advance(authentication.TRUSTED_SECONDS)
    desk.authenticator.heard_all(0)
    await desk.ask(SECRET)

    assert len(desk.directory.lookups) == 2


async def test_with_no_time_to_remember_nothing_is_whatever_is_heard() -> None:
    desk = Desk(cache_seconds=0)
    await desk.ask(SECRET)

    desk.authenticator.heard_all(0)
    await desk.ask(SECRET)

    assert len(desk.directory.lookups) == 2


async def test_a_remembered_key_expires_on_time() -> None:
    desk = Desk(cache_seconds=60)
    expiring = replace(desk.good, key=key(expires=NOW + timedelta(seconds=1)))
    desk.directory.callers[KEY_HASH] = expiring
    await desk.ask(SECRET)

    desk.time.advance(1)

    with pytest.raises(ExpiredKey):
        await desk.ask(SECRET)


@pytest.mark.parametrize("everything", [False, True])
async def test_a_key_that_changed_is_looked_up_again(everything: bool) -> None:
    desk = Desk()
    await desk.ask(SECRET)
    desk.directory.callers.clear()

    if everything:
        desk.authenticator.forget_all()
    else:
        desk.authenticator.forget(KEY_HASH)

    with pytest.raises(AuthenticationFailed):
        await desk.ask(SECRET)


async def test_a_change_of_another_key_leaves_it_remembered() -> None:
    desk = Desk()
    await desk.ask(SECRET)

    desk.authenticator.forget(hash_key(BLOCKED))
    await desk.ask(SECRET)

    assert len(desk.directory.lookups) == 1


@pytest.mark.parametrize("changes_before", [0, 1])
@pytest.mark.parametrize("everything", [False, True])
async def test_what_was_read_before_a_change_was_heard_is_not_remembered(
    everything: bool, changes_before: int
) -> None:
    desk = Desk()

    def change() -> None:
        if everything:
            desk.authenticator.forget_all()
        else:
            desk.authenticator.forget(KEY_HASH)

    for _ in range(changes_before):
        change()
    desk.directory.gate = asyncio.Event()
    asking = asyncio.create_task(desk.ask(SECRET))
    await asyncio.sleep(0)
    assert desk.directory.lookups

    desk.directory.callers.clear()
    change()
    desk.directory.gate.set()
    assert await asking == desk.good

    with pytest.raises(AuthenticationFailed):
        await desk.ask(SECRET)


async def test_unknown_keys_are_not_remembered_so_a_new_one_works_at_once() -> None:
    desk = Desk()
    del desk.directory.callers[KEY_HASH]
    with pytest.raises(AuthenticationFailed):
        await desk.ask(SECRET)

    desk.directory.callers[KEY_HASH] = desk.good

    assert await desk.ask(SECRET) == desk.good


async def test_after_many_unknown_keys_their_address_is_told_so_and_when_to_try_again() -> None:
    desk = Desk(contact="it@example.org")
    for secret in ("sk-1", "sk-2"):
        with pytest.raises(AuthenticationFailed):
            await desk.ask(secret)

    with pytest.raises(TooManyUnknownKeys, match="Ask it@example") as refused:
        await desk.ask("sk-3")

    assert refused.value.headers == {"retry-after": "30"}
    assert refused.value.message == (
        "Invalid API key, like many others from this address lately. Check the key that is set. "
        "Ask it@example.org for a key."
    )


async def test_good_keys_of_an_address_that_sends_many_unknown_ones_go_on_working() -> None:
    desk = Desk()
    for secret in ("sk-1", "sk-2", "sk-3"):
        with pytest.raises(GatewayError):
            await desk.ask(secret)

    assert await desk.ask(SECRET) == desk.good


async def test_other_addresses_are_not_held_up() -> None:
    desk = Desk()
    for secret in ("sk-1", "sk-2", "sk-3"):
        with pytest.raises(GatewayError):
            await desk.ask(secret)

    with pytest.raises(AuthenticationFailed):
        await desk.ask("sk-4", address="192.0.2.2")


async def test_a_key_of_ours_that_is_blocked_is_no_guess() -> None:
    desk = Desk()
    for _ in range(5):
        with pytest.raises(BlockedKey):
            await desk.ask(BLOCKED)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "KEYS_REMEMBERED", 3)
    desk = Desk()
    secrets = [f"sk-{number}" for number in range(5)]
    for secret in secrets:
        hashed = hash_key(secret)
        desk.directory.callers[hashed] = Caller(key(hash=hashed), None)
        await desk.ask(secret)

    desk.directory.lookups.clear()
    for secret in reversed(secrets):
        await desk.ask(secret)

    assert desk.directory.lookups[0] == (hash_key(secrets[1]),)


async def test_a_database_that_is_away_is_not_an_unknown_key() -> None:
    desk = Desk()
    desk.directory.away = DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        await desk.ask(SECRET)


async def test_a_remembered_key_works_while_the_database_is_away() -> None:
    desk = Desk()
    await desk.ask(SECRET)
    desk.directory.away = DatabaseUnavailable("away")

    assert await desk.ask(SECRET) == desk.good


@pytest.mark.parametrize(
    ("keys", "master"),
    [
        (("sk-master",), True),
        (("sk-other", "sk-master"), True),
        ((), False),
        (("sk-maste",), False),
        (("SK-MASTER",), False),
        (("sk-mästér",), False),
        (("\udcff",), False),
    ],
)
def test_the_master_key_is_that_and_nothing_else(keys: tuple[str, ...], master: bool) -> None:
    assert Desk().authenticator.is_master(keys) is master

"""API keys: how they are made, shown and kept, and what they may do."""

import re
from datetime import timedelta

import pytest

from app.identity.policy import Caller, check_own_key, generate_key, hash_key, key_name
from tests.support.examples import NOW, key, user

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-5-5"


def test_a_new_key_is_long_and_another_each_time() -> None:
    made = {generate_key() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"sk-[A-Za-z0-9_-]{22}", secret) for secret in made)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-0123456789abcdefghij",
        "sk-adas-former-key-of-litellm",
        "sk-~!#$%^&*()_+{}|:<>?,",
    ],
)
def test_a_key_of_ones_own_may_be_any_long_text(secret: str) -> None:
    check_own_key(secret)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("0123456789abcdefghij", "must begin with sk-"),
        ("sk-" + "x" * 510, "must begin with sk- and have at most 512"),
        ("sk-0123456789abcdefghi", "too easy to guess"),
        ("sk-" + "x" * 40, "too easy to guess"),
        ("sk-" + "abcdefghi" * 5, "too easy to guess"),
        ("sk-12345678901234567890", "too easy to guess"),
        ("sk-" + "0123456789abcdefghij" * 2, "too easy to guess"),
        ("sk-0123456789 abcdefghij", "visible ASCII"),
        ("sk-0123456789abcdefghij\n", "visible ASCII"),
        ("sk-0123456789abcdefghijé", "visible ASCII"),
    ],
)
def test_a_key_of_ones_own_is_not_to_be_guessed(secret: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_own_key(secret)


def test_a_key_is_kept_as_its_sha256() -> None:
    assert hash_key("sk-1") == ("0f2c10bf3d128c719c6bfa4ecbae94b7fceebaea6e4438fef38a90e5acc326f3")


def test_a_key_is_shown_by_its_last_four_characters() -> None:
    assert key_name("sk-abcdefghijklmnop") == "sk-...mnop"


@pytest.mark.parametrize(
    ("caller", "state"),
    [
        (Caller(key(), None), "active"),
        (Caller(key(), user()), "active"),
        (Caller(key(expires=NOW + timedelta(seconds=1)), None), "active"),
        (Caller(key(expires=NOW), None), "expired"),
        (Caller(key(expires=NOW - timedelta(days=1)), None), "expired"),
        (Caller(key(blocked=True), None), "blocked"),
        (Caller(key(), user(blocked=True)), "user_blocked"),
        (Caller(key(blocked=True, expires=NOW), user(blocked=True)), "blocked"),
        (Caller(key(expires=NOW), user(blocked=True)), "user_blocked"),
    ],
)
def test_the_state_of_a_caller(caller: Caller, state: str) -> None:
    assert caller.state(NOW) == state


@pytest.mark.parametrize(
    ("of_key", "of_user", "allowed"),
    [
        ((), None, True),
        ((HAIKU,), None, True),
        ((OPUS,), None, False),
        (("haiku",), None, True),
        ((), (), True),
        ((), (HAIKU,), True),
        ((), (OPUS,), False),
        ((HAIKU,), (OPUS,), False),
        ((OPUS,), (HAIKU,), False),
        ((HAIKU, OPUS), (HAIKU,), True),
        (("haiku",), (HAIKU,), True),
    ],
)
def test_a_model_must_be_on_the_list_of_the_key_and_of_the_user_by_any_of_its_names(
    of_key: tuple[str, ...], of_user: tuple[str, ...] | None, allowed: bool
) -> None:
    owner = None if of_user is None else user(models=of_user)

    assert Caller(key(models=of_key), owner).may_use(HAIKU, "haiku") is allowed

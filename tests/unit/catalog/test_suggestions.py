"""What is suggested for a model that is not known, and what that costs."""

import time

import pytest

from app.catalog.catalog import Catalog, Suggestions, load_catalog
from app.errors import UnknownModel


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(region="us-east-1", profile=None)


def refusal(catalog: Catalog, name: str) -> str:
    with pytest.raises(UnknownModel) as refused:
        catalog.resolve(name)
    return refused.value.message


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("claude-hiku", "claude-haiku-"),
        ("claude-hiku-4-5", "claude-haiku-4-5"),
        ("claude-haiku-4.5", "claude-haiku-4-5"),
        ("Claude-Haiku-4-5", "claude-haiku-4-5"),
        ("claude-opus-5-6", "claude-opus-5-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:1", "claude-sonnet-4-5"),
        ("sonnet-4-5", "claude-sonnet-4-5"),
    ],
)
def test_the_name_that_was_meant_comes_first(catalog: Catalog, asked: str, suggested: str) -> None:
    assert f"try one of: {suggested}" in refusal(catalog, asked)


def test_what_is_like_nothing_gets_all_names(catalog: Catalog) -> None:
    said = refusal(catalog, "zzz")

    assert all(model.name in said for model in catalog.models())


@pytest.mark.parametrize(
    "name",
    ["claude-haiku-9", "x" * 1_000_000, "us.anthropic.claude-haiku-4-5-20251001-v1:9",
     "anthropic.claude-" * 100_000, "\U0001f600" * 1000, "", " "],
    ids=lambda name: name[:20],
)  # fmt: skip
def test_an_unknown_name_costs_little_however_long_it_is(catalog: Catalog, name: str) -> None:
    started = time.process_time()
    for _ in range(20):
        refusal(catalog, name)

    # Tenths of a millisecond; a busy machine gets several times as much.
    assert (time.process_time() - started) / 20 < 0.002


def test_the_closest_names_come_first_and_no_more_than_wanted() -> None:
    known = Suggestions(["alpha", "alphas", "alphabet", "beta"])

    assert known.close_to("alpha", 2) == ["alpha", "alphas"]
    assert known.close_to("omega", 2) == []

from dataclasses import replace

import pytest

from app.catalog.catalog import Catalog, load_catalog
from app.errors import UnknownModel


def catalog(region: str = "us-east-1", profile: str | None = None) -> Catalog:
    return load_catalog(region=region, profile=profile)


@pytest.mark.parametrize(
    ("region", "profile", "bedrock_id"),
    [
        ("us-east-1", None, "us.anthropic.claude-opus-5-5"),
        ("us-west-2", "global", "global.anthropic.claude-opus-5-5"),
        ("us-gov-west-1", None, "us-gov.anthropic.claude-opus-5-5"),
        ("eu-central-1", None, "eu.anthropic.claude-opus-5-5"),
        ("eu-central-1", "us", "us.anthropic.claude-opus-5-5"),
        ("ap-northeast-1", None, "jp.anthropic.claude-opus-5-5"),
        ("ap-northeast-3", None, "jp.anthropic.claude-opus-5-5"),
        ("ap-southeast-2", None, "au.anthropic.claude-opus-5-5"),
        ("ap-southeast-4", None, "au.anthropic.claude-opus-5-5"),
        ("ap-south-1", None, "global.anthropic.claude-opus-5-5"),
        ("sa-east-1", None, "global.anthropic.claude-opus-5-5"),
        ("ca-central-1", None, "global.anthropic.claude-opus-5-5"),
    ],
)
def test_the_profile_is_the_asked_one_or_the_regions_or_global(
    region: str, profile: str | None, bedrock_id: str
) -> None:
    target = catalog(region, profile).resolve("claude-opus-5-5")

    assert target.profile.bedrock_id == bedrock_id


def test_an_asked_profile_that_the_model_lacks_gives_way_to_the_regions() -> None:
    assert catalog("us-east-1", "jp").resolve("claude-opus-4-5").profile.name == "us"


def test_a_model_without_regional_and_global_profiles_is_reached_by_its_bare_id() -> None:
    target = catalog("eu-west-1").resolve("claude-3-5-haiku")

    assert target.profile.name == "bare"
    assert target.profile.bedrock_id == target.model.bedrock_id


def test_a_government_region_never_leaves_its_partition() -> None:
    offered = catalog("us-gov-west-1").models()

    assert offered
    assert {catalog("us-gov-west-1").resolve(m.name).profile.name for m in offered} <= {
        "us-gov",
        "bare",
    }


def test_a_model_that_the_region_cannot_reach_is_neither_listed_nor_resolved() -> None:
    european = catalog("eu-west-1")

    assert "claude-opus-4-1" not in {model.name for model in european.models()}
    with pytest.raises(UnknownModel, match="claude-opus-4-1 is not offered in eu-west-1"):
        european.resolve("claude-opus-4-1-20250805")


def test_a_profile_that_does_not_exist_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="no such inference profile: mars"):
        catalog(profile="mars")


@pytest.mark.parametrize("profile", ["us", "eu", "global", "au"])
def test_a_bedrock_id_with_a_prefix_means_exactly_that_profile(profile: str) -> None:
    target = catalog().resolve(f"{profile}.anthropic.claude-opus-4-8")

    assert target.profile.name == profile


def test_a_bare_bedrock_id_that_bedrock_refuses_gets_the_usual_profile() -> None:
    target = catalog().resolve("anthropic.claude-opus-4-8")

    assert target.profile.bedrock_id == "us.anthropic.claude-opus-4-8"


def test_a_bare_bedrock_id_that_bedrock_takes_stays_bare() -> None:
    assert catalog().resolve("claude-3-5-haiku").profile.name == "us"
    assert catalog().resolve("anthropic.claude-3-5-haiku-20241022-v1:0").profile.name == "bare"


def test_a_target_remembers_what_it_was_asked_as() -> None:
    assert catalog().resolve("claude-haiku-4-5-20251001").asked == "claude-haiku-4-5-20251001"


@pytest.mark.parametrize("name", ["claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-6"])
def test_the_mark_of_the_long_context_is_stripped(name: str) -> None:
    target = catalog().resolve(f"{name}[1m]")

    assert target.model.name == "claude-sonnet-4-6"
    assert target.asked == f"{name}[1m]"


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("claude-sonet-4-5", "claude-sonnet-4-5"),
        ("claude-haiku-4.5", "claude-haiku-4-5"),
        ("us.anthropic.claude-opus-9", "claude-opus-5"),
    ],
)
def test_an_unknown_name_is_answered_with_names_that_come_close(asked: str, suggested: str) -> None:
    with pytest.raises(UnknownModel) as refusal:
        catalog().resolve(asked)

    assert f"model: {asked} " in refusal.value.message
    assert suggested in refusal.value.message


def test_a_name_like_no_other_is_answered_with_all_names() -> None:
    with pytest.raises(UnknownModel) as refusal:
        catalog().resolve("gpt-4o")

    assert all(model.name in refusal.value.message for model in catalog().models())


def test_a_long_unknown_name_is_cut_in_the_message() -> None:
    with pytest.raises(UnknownModel) as refusal:
        catalog().resolve("x" * 10_000)

    assert len(refusal.value.message) < 1000


def test_a_later_model_of_the_same_name_takes_the_earlier_ones_place() -> None:
    shipped = catalog().models()
    dearer = replace(shipped[0], description="with a discount")

    changed = Catalog([*shipped, dearer], region="us-east-1", profile=None)

    assert len(changed.models()) == len(shipped)
    assert changed.resolve(dearer.name).model.description == "with a discount"

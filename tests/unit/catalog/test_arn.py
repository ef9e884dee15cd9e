import pytest

from app.catalog.model import model_name, partition

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        (HAIKU, HAIKU),
        ("claude-haiku-4-5", "claude-haiku-4-5"),
        (f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}", HAIKU),
        (f"arn:aws:bedrock:us-east-1::inference-profile/{HAIKU}", HAIKU),
        (f"arn:aws:bedrock:::inference-profile/{HAIKU}", HAIKU),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.x", "anthropic.x"),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.x", "us-gov.x"),
    ],
)
def test_an_arn_stands_for_the_id_in_it(model_id: str, name: str) -> None:
    assert model_name(model_id) == name


@pytest.mark.parametrize(
    "model_id",
    [
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123",
        "arn:aws:s3:us-east-1:123456789012:inference-profile/x",
        "arn:aws:bedrock:us-east-1::inference-profile/x/y",
        "arn:aws:bedrock:us-east-1::inference-profile/",
    ],
)
def test_what_is_no_model_of_the_system_stays_as_it_is(model_id: str) -> None:
    assert model_name(model_id) == model_id


@pytest.mark.parametrize(
    ("region", "name"), [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov")]
)
def test_the_partition_follows_from_the_region(region: str, name: str) -> None:
    assert partition(region) == name

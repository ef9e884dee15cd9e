"""Models as the paths of Bedrock's API name them."""

import re
from typing import Final

_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:bedrock:[a-z0-9-]*:[0-9]*:(?:inference-profile|foundation-model)/([^/]+)"
)


def model_name(model_id: str) -> str:
    """The id within the ARN of an inference profile or foundation model; else what was given."""
    arn = _ARN.fullmatch(model_id)
    return arn[1] if arn else model_id


def partition(region: str) -> str:
    """The part of AWS that a region is in, as ARNs begin with it."""
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"

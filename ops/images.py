"""Names of images that always mean the same image."""

import re
from typing import Final

from ops.errors import Misuse

DIGEST: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]{2,254}@sha256:[0-9a-f]{64}")
TAGGED: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]{2,254}:(?P<tag>[\w][\w.-]{0,127})", re.ASCII)
MOVING: Final = {"latest", "main", "master", "stable", "edge", "dev", "develop", "nightly"}


def fixed(text: str) -> str:
    """The image's name, if it is one of those. Raises Misuse."""
    example = "Such as …/stargate-poc/gateway@sha256:… or …/stargate-poc/gateway:1f2e3d4."
    if DIGEST.fullmatch(text):
        return text
    tagged = TAGGED.fullmatch(text)
    if tagged is None:
        raise Misuse(f"{text!r} is no image with a digest or a tag.", example)
    if tagged["tag"].lower() in MOVING:
        raise Misuse(f"The tag {tagged['tag']} means another image tomorrow.", example)
    return text


def repository(image: str) -> str:
    """The name without digest and tag."""
    name = image.partition("@")[0]
    start, slash, last = name.rpartition("/")
    return f"{start}{slash}{last.partition(':')[0]}"

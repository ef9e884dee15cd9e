"""A story in its short form, as a test."""

import os
from collections.abc import Sequence

import pytest

from tests.chaos.stories import Ground, told
from tests.chaos.story import SHORT, Story

SEED = 1


def each(stories: Sequence[Story]) -> pytest.MarkDecorator:
    """A test for each of them."""
    return pytest.mark.parametrize("story", stories, ids=lambda story: story.name)


async def faults(story: Story, ground: Ground) -> list[str]:
    """What was not right."""
    if story.needs_root and os.geteuid() != 0:
        pytest.skip("only root can mount the small disk that is to be full")
    report = await told(story, ground, SHORT, SEED)
    return story.faults(report)

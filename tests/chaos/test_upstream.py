"""Bedrock misbehaves."""

from tests.chaos.checking import each, faults
from tests.chaos.faults import upstream
from tests.chaos.stories import Ground
from tests.chaos.story import Story


@each(upstream.STORIES)
async def test_nothing_is_lost_when_bedrock_breaks(story: Story, ground: Ground) -> None:
    assert await faults(story, ground) == []

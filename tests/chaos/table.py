"""What came of the stories: a line each while they are told, a table at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.load import ANSWERED
from tests.chaos.story import Report, Story

HEADINGS = (
    "what breaks",
    "requests",
    "what clients saw beside answers",
    "longest wait",
    "healthy after",
    "booked after",
    "estimated",
    "lost",
    "twice",
)


@dataclass(frozen=True, slots=True)
class Told:
    """`faults` are what was wrong; a story that could not be told has no report."""

    story: Story
    report: Report | None
    faults: tuple[str, ...]


def line(told: Told) -> str:
    """Of progress."""
    if told.report is None:
        return f"{told.story.name:20} {'; '.join(told.faults)}"
    verdict = "; ".join(told.faults) or "right"
    report = told.report
    return (
        f"{told.story.name:20} {sum(report.seen.values()):6,} requests  "
        f"{others(report.seen) or 'all answered'}  "
        f"healthy after {seconds(report.healthy_seconds)}  account: {verdict}"
    )


def table(stories: Sequence[Told]) -> str:
    """In Markdown, and below it what was wrong."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(_row(told) for told in stories if told.report)]
    wrong = [f"- `{told.story.name}`: {fault}" for told in stories for fault in told.faults]
    return "\n".join(
        [*(f"| {' | '.join(row)} |" for row in rows), *([""] if wrong else []), *wrong]
    )


def _row(told: Told) -> tuple[str, ...]:
    report = told.report
    assert report is not None
    account = report.account
    breaks = "; ".join([told.story.breaks, *report.notes])
    return (
        f"{breaks} (`{told.story.name}`)",
        f"{sum(report.seen.values()):,}",
        others(report.seen) or "nothing",
        seconds(report.longest_seconds),
        seconds(report.healthy_seconds),
        seconds(report.booked_seconds),
        f"{account.estimated:,}",
        "**see below**" if told.faults else "nothing",
        "**see below**" if told.faults else "nothing",
    )


def others(seen: Mapping[str, int]) -> str:
    """What was no answer, the most frequent first."""
    ranked = sorted(seen.items(), key=lambda one: -one[1])
    return ", ".join(f"{count:,} x {what}" for what, count in ranked if what != ANSWERED)


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"

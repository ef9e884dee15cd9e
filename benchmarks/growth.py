"""What follows from several scenarios of a run: what a stream holds, what more keys cost."""

from collections.abc import Iterator

from benchmarks.runs import Run

STREAM_SCENARIOS = ("open-10", "open-200")
STREAMS_BETWEEN = 190

Row = tuple[str, str, float, str]
"""What, of which target, how much, and what it is to be."""


def stream_kb(run: Run, target: str) -> float | None:
    """What one more open stream takes of memory, in kB."""
    few, many = (run.figures(name, target).get("rss_mb") for name in STREAM_SCENARIOS)
    if few is None or many is None:
        return None
    return (many - few) * 1000 / STREAMS_BETWEEN


def between(run: Run, target: str, more: str, less: str, what: str) -> float | None:
    """How many times as much one scenario has of a figure as another."""
    above, below = (run.figures(name, target).get(what) for name in (more, less))
    return above / below if above is not None and below else None


def growth(run: Run) -> Iterator[Row]:
    for target in run.about:
        kilobytes = stream_kb(run, target)
        if kilobytes is not None:
            yield ("memory of an open stream, kB", target, kilobytes, "60 at most")
    for words, more, less, what, wanted in (
        ("10,000 keys / 10 keys: CPU", "keys-10000", "keys-10", "cpu_ms", "1, within noise"),
        ("10,000 keys / 10 keys: p50", "keys-10000", "keys-10", "p50", "1, within noise"),
        ("budgets / no budget: CPU", "budget", "messages", "cpu_ms", "-"),
    ):
        factor = between(run, "gateway", more, less, what)
        if factor is not None:
            yield (words, "gateway", factor, wanted)

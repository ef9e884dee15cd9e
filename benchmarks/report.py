"""A run as tables: plain text and Markdown are the same."""

from collections.abc import Iterator, Sequence

from benchmarks.goals import GOALS, IDLE_MB, INSTALLED, SOURCE, START, Goal
from benchmarks.growth import growth
from benchmarks.runs import DIRECT, Run
from benchmarks.scenarios import SCENARIOS

GATEWAY, RELAY = "gateway", "relay"
WORDS = {one.name: one.words for one in SCENARIOS}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what they hold; the first to the left, the others to the right."""
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in [heads, *rows]
    ]
    marks = [
        ("-" * (width + 1) + ":") if n else "-" * (width + 2) for n, width in enumerate(widths)
    ]
    return "\n".join([lines[0], f"|{'|'.join(marks)}|", *lines[1:]])


def number(value: float | None) -> str:
    """Three digits that count; nothing for what was not measured."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def summary(run: Run) -> str:
    """Everything, one section after the other."""
    head = f"{run.started} on {run.machine}; {run.rounds} rounds of {run.seconds:g} s each"
    return "\n\n".join([head, *_notes(run), *_sections(run)]) + "\n"


def _sections(run: Run) -> Iterator[str]:
    for what, title in (
        ("rate", "Requests per second"),
        ("added_p50", "Added latency, p50 in ms (against the stub asked directly)"),
        ("added_p95", "Added latency, p95 in ms"),
        ("added_p99", "Added latency, p99 in ms"),
        ("added_first_byte_p50", "Added time to first byte, p50 in ms"),
        ("added_first_byte_p95", "Added time to first byte, p95 in ms"),
        ("events_rate", "Streamed events per second"),
        ("cpu_ms", "CPU per request in ms, of the target alone"),
        ("database_cpu_ms", "CPU per request in ms, of its PostgreSQL"),
        ("event_us", "CPU per streamed event in µs"),
        ("rss_mb", "Memory under load in MB"),
        ("stub_cores", "Cores that the stub took"),
        ("load_cores", "Cores that the load generator took"),
    ):
        if found := by_scenario(run, what):
            yield f"{title}\n\n{found}"
    yield f"Each target as such\n\n{_about(run)}"
    if rows := [[words, who, number(much), wanted] for words, who, much, wanted in growth(run)]:
        yield f"Growth\n\n{table(['', 'of', 'measured', 'to be'], rows)}"
    if compared := against_goals(run):
        yield f"Beside what the design asks for ({SOURCE})\n\n{compared}"


def by_scenario(run: Run, what: str) -> str:
    """One figure for each scenario and target."""
    targets = [one for one in run.targets if not (what.startswith("added") and one == DIRECT)]
    rows = []
    for scenario in run.scenarios:
        found = [run.figures(scenario, target).get(what) for target in targets]
        if any(found):
            rows.append([WORDS[scenario], *(number(value) for value in found)])
    return table(["", *targets], rows) if rows else ""


def _about(run: Run) -> str:
    rows = [
        [
            name,
            number(one.start_seconds),
            number(one.idle_mb),
            number(one.end_mb or None),
            number(one.installed_mb or None),
        ]
        for name, one in run.about.items()
    ]
    return table(["", "s to ready", "MB idle", "MB at the end", "MB installed"], rows)


def against_goals(run: Run) -> str:
    rows = [row for goal in (*GOALS, IDLE_MB, START, INSTALLED) if (row := _goal(run, goal))]
    heads = ["", "unit", GATEWAY, "must", "moonshot", "/ relay here", "/ relay, must"]
    return table(heads, rows) if rows else ""


def _goal(run: Run, goal: Goal) -> list[str]:
    about = run.about.get(GATEWAY)
    if goal in (IDLE_MB, START, INSTALLED):
        found = getattr(about, goal.what) if about else None
        relay = getattr(run.about[RELAY], goal.what) if RELAY in run.about else 0
        ratio = found / relay if found and relay else None
    else:
        found = run.figures(goal.scenario, GATEWAY).get(goal.what)
        rated = goal.relay is not None
        ratio = run.ratio(goal.scenario, goal.what, GATEWAY, RELAY) if rated else None
    if found is None:
        return []
    return [
        WORDS.get(goal.scenario, goal.scenario),
        goal.unit,
        *(number(value) for value in (found, goal.must, goal.moonshot)),
        number(ratio),
        number(goal.must_ratio),
    ]


def _notes(run: Run) -> Iterator[str]:
    for name, why in run.missing.items():
        yield f"Left out: {name}. {why}"
    for one in run.invalid():
        yield (
            f"INVALID: {one.scenario} against {one.target}, round {one.round}: "
            f"{one.requests} good answers, errors {dict(one.errors)}"
        )
    if crowded := {(one.scenario, one.target) for one in run.crowded()}:
        names = ", ".join(f"{scenario} against {target}" for scenario, target in sorted(crowded))
        yield f"The stub or the load generator may have been the limit in: {names}"

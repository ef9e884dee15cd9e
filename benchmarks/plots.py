"""Line plots as SVG, written by hand: nothing to install, and they look the same everywhere."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.runs import Run

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 40, 50
COLOURS: Final = ("#1f6feb", "#bf5700", "#1a7f37", "#8250df", "#cf222e", "#57606a", "#9a6700")

FONT: Final = 'font-family="sans-serif" font-size="12" fill="#24292f"'

Points = Sequence[tuple[float, float]]


def plot(title: str, across: str, up: str, lines: Mapping[str, Points]) -> str:
    """One SVG; the x axis counts its values evenly, since they are chosen to grow by factors."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    marks = round_marks(max((y for points in lines.values() for _, y in points), default=0))
    top = marks[-1]
    step = (WIDTH - LEFT - RIGHT) / max(1, len(xs) - 1)
    place = {x: LEFT + n * step for n, x in enumerate(xs)}
    parts = [_frame(title, across, up), *_grid(marks), *_ticks(place)]
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        dots = [(place[x], _height(y, top)) for x, y in sorted(points)]
        parts.append(_line(name, colour, dots, TOP + 18 * number))
    return "\n".join([*parts, "</svg>\n"])


def round_marks(most: float) -> list[float]:
    """From 0 to `most` or a little more, in at most five equal steps that are easy to read."""
    if most <= 0:
        return [0, 1]
    magnitude = 10 ** floor(log10(most / 5))
    step = magnitude * next(
        factor for factor in (1, 2, 2.5, 5, 10) if factor * magnitude * 5 >= most
    )
    return [step * number for number in range(ceil(most / step) + 1)]


def _height(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" {more}>{escape(words)}</text>'


def _frame(title: str, across: str, up: str) -> str:
    middle = (LEFT + WIDTH - RIGHT) / 2
    turned = f'text-anchor="middle" transform="translate(14,{HEIGHT / 2:.0f}) rotate(-90)"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" {FONT}>',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            _text(LEFT, 20, title, 'font-size="15"'),
            _text(middle, HEIGHT - 10, across, 'text-anchor="middle"'),
            _text(0, 0, up, turned),
        ]
    )


def _grid(marks: Sequence[float]) -> list[str]:
    lines = []
    for value in marks:
        y = _height(value, marks[-1])
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>'
        )
        lines.append(_text(LEFT - 6, y + 4, f"{value:.3g}", 'text-anchor="end"'))
    return lines


def _ticks(place: Mapping[float, float]) -> list[str]:
    return [
        _text(at, HEIGHT - BOTTOM + 18, f"{x:,.0f}", 'text-anchor="middle"')
        for x, at in place.items()
    ]


def _line(name: str, colour: str, dots: Points, legend: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    circles = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in dots)
    return (
        f'<g stroke="{colour}" fill="{colour}">'
        f'<polyline points="{path}" fill="none" stroke-width="2"/>{circles}'
        + _text(WIDTH - RIGHT + 12, legend + 4, name, 'stroke="none"')
        + "</g>"
    )


class Sweep(NamedTuple):
    """A plot of one figure over the scenarios that `prefix` and a number name."""

    name: str
    title: str
    across: str
    up: str
    prefix: str
    what: str


SWEEPS: Final = (
    Sweep("latency", "Added latency", "connections", "ms, p50", "connections-", "added_p50"),
    Sweep("memory", "Memory", "open streams", "MB", "open-", "rss_mb"),
    Sweep("cost", "CPU of a request", "bytes of its body", "ms of CPU", "bytes-", "cpu_ms"),
)


def write_plots(run: Run, folder: Path) -> list[Path]:
    """Those plots for which the run has at least two points."""
    written = []
    for kind in SWEEPS:
        lines = {target: sweep(run, target, kind) for target in run.about}
        lines = {target: points for target, points in lines.items() if len(points) > 1}
        if lines:
            path = folder / f"{kind.name}.svg"
            path.write_text(plot(kind.title, kind.across, kind.up, lines))
            written.append(path)
    return written


def sweep(run: Run, target: str, kind: Sweep) -> list[tuple[float, float]]:
    """A figure over the number that the scenarios' names end in."""
    return [
        (float(scenario.removeprefix(kind.prefix)), found[kind.what])
        for scenario in run.scenarios
        if scenario.startswith(kind.prefix)
        and kind.what in (found := run.figures(scenario, target))
    ]

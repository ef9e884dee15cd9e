"""What so many developers ask of the platform: pure functions, from measured costs and habits."""

import heapq
import json
import random
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Final

from benchmarks.growth import stream_kb
from benchmarks.runs import Run

INPUTS: Final = Path(__file__).with_name("capacity.json")
SIMULATED_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Measured:
    """What a request costs, on a core of the machine that is named."""

    date: str
    machine: str
    request_cpu_ms: float
    event_cpu_us: float
    database_cpu_ms: float
    database_statements: int
    idle_mb: float
    stream_kb: float
    spend_row_bytes: int


@dataclass(frozen=True, slots=True)
class Habits:
    """How developers use Claude Code at the busiest time: assumptions, to be replaced by what the
    dashboards show. `active_share` of all developers work with it at the same time."""

    active_share: float
    requests_per_minute: float
    seconds_per_answer: float
    events_per_answer: float
    request_kb: float
    answer_kb: float
    input_tokens: float
    cached_share: float
    output_tokens: float
    hours_per_month: float


@dataclass(frozen=True, slots=True)
class Task:
    """A Fargate task. `core_factor`: what its vCPU does of what the measured core does."""

    vcpu: float
    memory_mb: float
    core_factor: float
    cpu_target: float
    memory_target: float
    pool: int
    upstream_connections: int


@dataclass(frozen=True, slots=True)
class Inputs:
    measured: Measured
    habits: Habits
    task: Task


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in at the busiest time, on average and at the worst moment."""

    requests_per_second: float
    streams: float
    peak_streams: int
    peak_requests_in_a_second: int
    megabits_per_second: float
    tokens_per_minute: float
    requests_per_month: float


@dataclass(frozen=True, slots=True)
class Carries:
    """What one task carries by each of its limits; the smallest is the limit."""

    requests_by_cpu: float
    streams_by_memory: float
    streams_by_connections: float
    developers: int
    limit: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What a load takes of the platform."""

    cores: float
    tasks: int
    database_connections: int
    database_cores: float
    statements_per_second: float
    log_gb_per_month: float


def read_inputs(path: Path = INPUTS) -> Inputs:
    values: dict[str, Any] = json.loads(path.read_text())
    return Inputs(
        Measured(**values["measured"]), Habits(**values["habits"]), Task(**values["task"])
    )


def measured_in(run: Run, before: Measured) -> Measured:
    """What a run found of the gateway; `before` is kept of what no scenario measures. Raises
    KeyError if a scenario is missing, or had a wrong answer."""
    code, paced = (run.figures(name, "gateway") for name in ("code-stream", "paced-50"))
    kilobytes = stream_kb(run, "gateway")
    return replace(
        before,
        date=run.started[:10],
        machine=run.machine,
        request_cpu_ms=round(code["cpu_ms"], 2),
        event_cpu_us=round(paced["event_us"], 1),
        database_cpu_ms=round(code["database_cpu_ms"], 2),
        idle_mb=round(run.about["gateway"].idle_mb, 1),
        stream_kb=before.stream_kb if kilobytes is None else round(kilobytes, 1),
    )


def write_inputs(inputs: Inputs, path: Path = INPUTS) -> None:
    path.write_text(json.dumps(asdict(inputs), indent=2) + "\n")


def load_of(developers: int, habits: Habits, seed: int = 1) -> Load:
    """The averages follow from the habits; the worst moments from a simulation."""
    rate = developers * habits.active_share * habits.requests_per_minute / 60
    streams, in_a_second = simulate(rate, habits.seconds_per_answer, seed)
    uncached = habits.input_tokens * (1 - habits.cached_share)
    return Load(
        requests_per_second=rate,
        streams=rate * habits.seconds_per_answer,
        peak_streams=streams,
        peak_requests_in_a_second=in_a_second,
        megabits_per_second=rate * (habits.request_kb + habits.answer_kb) * 8 / 1000,
        tokens_per_minute=rate * 60 * (uncached + habits.output_tokens),
        requests_per_month=rate * 3600 * habits.hours_per_month,
    )


def simulate(rate: float, seconds_per_answer: float, seed: int) -> tuple[int, int]:
    """Requests arrive by chance and take exponentially long; the most at one time, and in one
    second, of ten minutes. It begins as full as it will be on average."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    already = round(rate * seconds_per_answer)
    ends = [chance.expovariate(1 / seconds_per_answer) for _ in range(already)]
    heapq.heapify(ends)
    now, most, in_second, busiest, second = 0.0, len(ends), 0, 0, 0
    while (now := now + chance.expovariate(rate)) < SIMULATED_SECONDS:
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        heapq.heappush(ends, now + chance.expovariate(1 / seconds_per_answer))
        most = max(most, len(ends))
        in_second = in_second + 1 if int(now) == second else 1
        second = int(now)
        busiest = max(busiest, in_second)
    return most, busiest


def core_seconds(inputs: Inputs) -> float:
    """CPU of one request with all its events, in seconds of a task's vCPU."""
    measured, habits = inputs.measured, inputs.habits
    spent = measured.request_cpu_ms / 1e3 + habits.events_per_answer * measured.event_cpu_us / 1e6
    return spent / inputs.task.core_factor


def carries(inputs: Inputs) -> Carries:
    """What one task carries when it is as busy as autoscaling lets it become."""
    task, measured, habits = inputs.task, inputs.measured, inputs.habits
    # One process has one event loop: a second vCPU would help PostgreSQL's driver at most.
    requests = min(task.vcpu, 1) * task.cpu_target / core_seconds(inputs)
    free_mb = task.memory_mb * task.memory_target - measured.idle_mb
    per_stream_mb = (measured.stream_kb + 2 * habits.request_kb) / 1000
    streams = {
        "CPU": requests * habits.seconds_per_answer,
        "memory": free_mb / per_stream_mb,
        "connections to Bedrock": float(task.upstream_connections),
    }
    limit = min(streams, key=lambda name: streams[name])
    per_developer = (
        habits.active_share * habits.requests_per_minute / 60 * habits.seconds_per_answer
    )
    return Carries(
        requests_by_cpu=requests,
        streams_by_memory=streams["memory"],
        streams_by_connections=streams["connections to Bedrock"],
        developers=int(streams[limit] / per_developer),
        limit=limit,
    )


def needs(load: Load, inputs: Inputs, least_tasks: int = 2) -> Needs:
    """For the average of the busiest time by CPU, for the worst moment by memory and streams."""
    one = carries(inputs)
    streams = min(one.streams_by_memory, one.streams_by_connections)
    tasks = max(
        least_tasks,
        ceil(load.requests_per_second / one.requests_by_cpu),
        ceil(load.peak_streams / streams),
    )
    gb = load.requests_per_month * inputs.measured.spend_row_bytes / 1e9
    return Needs(
        cores=load.requests_per_second * core_seconds(inputs),
        tasks=tasks,
        database_connections=tasks * inputs.task.pool,
        database_cores=load.requests_per_second * inputs.measured.database_cpu_ms / 1000,
        statements_per_second=load.requests_per_second * inputs.measured.database_statements,
        log_gb_per_month=gb,
    )

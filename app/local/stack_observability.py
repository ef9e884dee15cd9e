"""`up --observability`: VictoriaMetrics scrapes the local gateway, vmalert evaluates the alerts.

The programs are the system's own packages. Grafana has none: infra/docker-compose.yml brings it.
"""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from app.local.ports import HOST, free_port
from app.local.process import Daemon, environment_without
from app.local.stack_errors import StackError
from app.local.stack_launch import Bringing, launch
from app.local.stack_state import ROOT, State, fingerprint

RULES = ROOT / "infra" / "observability" / "vmalert"
METRICS, ALERTS = "victoria-metrics", "vmalert"
OBSERVERS = (ALERTS, METRICS)
"""In the order in which they are stopped."""
STOP_SECONDS = 10.0
HEALTH = "/health"


def demand_programs() -> None:
    """Raise `StackError` unless both are installed; before anything is started."""
    missing = [program for program in OBSERVERS if not shutil.which(program)]
    if missing:
        raise StackError(
            f"--observability needs {' and '.join(missing)}, which this machine has not.\n"
            "Debian, Ubuntu: apt-get install victoria-metrics; macOS: brew install "
            "victoriametrics.\nWith Docker, infra/docker-compose.yml brings them, and Grafana."
        )


def start_observers(bringing: Bringing) -> int:
    """Start what does not run, and what was started for other ports; the port of the metrics."""
    metrics, alerts = (bringing.state.daemon(name) for name in (METRICS, ALERTS))
    port, alerts_port = _port(metrics), _port(alerts)
    targets = {"gateway": bringing.options.internal_port, METRICS: port, ALERTS: alerts_port}
    scrape = _configuration(bringing.state, "scrape", _scraping(targets))
    nobody = _configuration(bringing.state, "notifiers", {"static_configs": [{"targets": []}]})
    url = f"http://{HOST}:{port}"
    address = f"{HOST}:{alerts_port}"
    _start(
        bringing,
        metrics,
        port,
        [
            f"-httpListenAddr={HOST}:{port}",
            f"-storageDataPath={bringing.state.directory / METRICS}",
            f"-promscrape.config={scrape}",
            f"-vmalert.proxyURL=http://{address}",
            "-retentionPeriod=30d",
            "-search.latencyOffset=5s",
            "-memory.allowedBytes=256MB",
        ],
    )
    _start(
        bringing,
        alerts,
        alerts_port,
        [
            f"-httpListenAddr={address}",
            *(f"-{role}.url={url}" for role in ("datasource", "remoteRead", "remoteWrite")),
            f"-notifier.config={nobody}",
            f"-rule={RULES}/*.yml",
        ],
    )
    return port


def stop_observers(state: State) -> list[str]:
    """Stop those that run, keep what they recorded; their names."""
    return [name for name in OBSERVERS if state.daemon(name).stop(STOP_SECONDS)]


def drop_observers(state: State) -> list[str]:
    """Stop them as parts that the stack has no more; the names of those that ran."""
    stopped = stop_observers(state)
    for name in OBSERVERS:
        state.daemon(name).forget()
    return stopped


def _start(bringing: Bringing, daemon: Daemon, port: int, arguments: list[str]) -> None:
    started, settings = time.monotonic(), fingerprint({"arguments": json.dumps(arguments)})
    if daemon.pid() and daemon.notes().get("settings") == settings:
        bringing.say(f"{daemon.name} runs on {HOST}:{port}")
        return
    daemon.stop(STOP_SECONDS)
    bringing.undo.callback(daemon.stop, STOP_SECONDS)
    notes = {"port": str(port), "settings": settings}
    launch(daemon, [daemon.name, *arguments], environment_without(), notes, HEALTH)
    bringing.told(f"{daemon.name} started on {HOST}:{port}", started)


def _port(daemon: Daemon) -> int:
    last = int(daemon.notes().get("port", 0))
    return last if daemon.pid() else free_port(last)


def _scraping(targets: Mapping[str, int]) -> dict[str, object]:
    """Jobs are called as on the platform, so its rules and dashboards fit."""
    return {
        "global": {
            "scrape_interval": "5s",
            "external_labels": {"namespace": "stargate-local.internal"},
        },
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"{HOST}:{port}"]}]}
            for job, port in targets.items()
        ],
    }


def _configuration(state: State, name: str, document: Mapping[str, object]) -> Path:
    """A file that a start reads; its name changes with what is in it. JSON is YAML."""
    text = json.dumps(document, indent=2)
    file = state.directory / "run" / f"{name}-{fingerprint({name: text})}.yml"
    for older in file.parent.glob(f"{name}-*.yml"):
        older.unlink()
    file.write_text(text)
    return file

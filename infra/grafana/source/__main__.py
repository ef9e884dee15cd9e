"""Write the dashboards: `python -m infra.grafana.source`."""

import json
from pathlib import Path
from typing import Final

from infra.grafana.source.architecture_flow import ARCHITECTURE_FLOW
from infra.grafana.source.gateway import GATEWAY
from infra.grafana.source.infrastructure import INFRASTRUCTURE
from infra.grafana.source.llm_usage import LLM_USAGE
from infra.grafana.source.page import Dashboard
from infra.grafana.source.postgresql import POSTGRESQL

FOLDER: Final = Path(__file__).parents[1] / "dashboards"
ALL: Final = (LLM_USAGE, GATEWAY, INFRASTRUCTURE, POSTGRESQL, ARCHITECTURE_FLOW)


def file(dashboard: Dashboard) -> Path:
    return FOLDER / f"{dashboard.uid}.json"


def text(dashboard: Dashboard) -> str:
    return json.dumps(dashboard.json(), indent=2) + "\n"


def main() -> None:
    for dashboard in ALL:
        file(dashboard).write_text(text(dashboard))


if __name__ == "__main__":
    main()

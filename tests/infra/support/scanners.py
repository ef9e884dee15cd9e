"""checkov and trivy, whose pins do not go with the project's."""

from pathlib import Path

from tests.support import on_demand

INSTALL_SECONDS = on_demand.INSTALL_SECONDS
LOCK = Path(__file__).parents[1] / "scanners.lock"
"""Made from scanners.in, which says how."""


def installed() -> Path:
    """The folder of the scanners' commands."""
    return on_demand.installed(LOCK)

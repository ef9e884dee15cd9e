"""`ecs deploy` and `ecs rollback`."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ops.errors import Misuse, NotFound, OpsError, Refused, RolledBack, Unreachable
from ops.exits import Exit
from tests.ops.support.fake_definitions import definition
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World, changes, notes

REPOSITORY = "123456789012.dkr.ecr.us-west-1.amazonaws.com/stargate-poc/gateway"
IMAGE = f"{REPOSITORY}@sha256:{'a' * 64}"
FAMILY = "stargate-poc-gateway"


@pytest.fixture
def gateway(ecs: FakeEcs) -> FakeEcs:
    """The gateway and its migration, as Terraform deployed them."""
    ecs.has("gateway", 2)
    ecs.register_task_definition(**definition("stargate-poc-gateway-migrate", "gateway-migrate"))
    return ecs


@pytest.fixture
def address() -> Iterator[Callable[[int], str]]:
    """Addresses of servers that answer everything with one status."""
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def deploy(world: World, *words: str) -> list[str]:
    return notes(world.run("ecs", "deploy", "--image", IMAGE, "--yes", *words))


def test_without_yes_nothing_is_registered(world: World, gateway: FakeEcs) -> None:
    result = world.run("ecs", "deploy", "--image", IMAGE, "--migrate", "--no-smoke")

    assert changes(result) == [
        "database: as it is -> migrated by the new image",
        f"image of gateway: {REPOSITORY}:1 -> {IMAGE}",
    ]
    assert gateway.asked("register_task_definition") == []
    assert gateway.asked("update_service") == []


def test_the_new_revision_differs_in_its_image_alone(world: World, gateway: FakeEcs) -> None:
    deploy(world, "--no-smoke")

    (sent,) = gateway.asked("register_task_definition")
    expected = definition(FAMILY, "gateway", IMAGE)
    assert sent == expected
    assert gateway.running["gateway"].primary.revision.endswith(f"{FAMILY}:2")


def test_the_database_is_migrated_first_by_the_new_image(world: World, gateway: FakeEcs) -> None:
    deploy(world, "--migrate", "--no-smoke")

    order = [name for name, _ in gateway.calls if name in ("run_task", "update_service")]
    assert order == ["run_task", "update_service"]
    (task,) = gateway.asked("run_task")
    assert task["taskDefinition"].endswith(":task-definition/stargate-poc-gateway-migrate:2")
    migration = gateway.definitions["stargate-poc-gateway-migrate"][1]["taskDefinition"]
    assert migration["containerDefinitions"][0]["image"] == IMAGE
    assert task["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-1"]


def test_a_migration_that_fails_ends_the_deployment(world: World, gateway: FakeEcs) -> None:
    gateway.exit_codes["stargate-poc-gateway-migrate"] = 3
    logs = world.client("logs")
    logs.create_log_group(logGroupName="/stargate-poc/gateway-migrate")

    with pytest.raises(OpsError, match="gateway-migrate ended with exit code 3"):
        deploy(world, "--migrate", "--no-smoke")

    assert gateway.asked("update_service") == []


def test_a_gateway_that_answers_is_deployed(
    world: World, gateway: FakeEcs, address: Callable[[int], str]
) -> None:
    told = deploy(world, "--url", address(200))

    assert any(f"{FAMILY}:2 is stable" in one for one in told)
    assert any("terraform.tfvars" in one for one in told)


def test_one_that_does_not_answer_is_taken_back(
    world: World, gateway: FakeEcs, address: Callable[[int], str]
) -> None:
    with pytest.raises(RolledBack, match=f"smoke test: .*503.*{FAMILY}:1 runs again") as raised:
        deploy(world, "--url", address(503))

    assert raised.value.exit is Exit.ROLLED_BACK
    assert gateway.running["gateway"].primary.revision.endswith(f"{FAMILY}:1")


def test_one_that_does_not_start_is_taken_back(world: World, gateway: FakeEcs) -> None:
    arn = gateway.running["gateway"].primary.revision
    gateway.broken = {arn.removesuffix(":1") + ":2"}

    with pytest.raises(RolledBack, match=f"circuit breaker.*{FAMILY}:1 runs again"):
        deploy(world, "--no-smoke")

    assert gateway.running["gateway"].primary.revision == arn
    assert gateway.running["gateway"].primary.state == "COMPLETED"


def test_going_back_that_fails_as_well_is_told(world: World, gateway: FakeEcs) -> None:
    arn = gateway.running["gateway"].primary.revision
    gateway.broken = {arn.removesuffix(":1") + ":2", arn}

    with pytest.raises(OpsError, match="Going back failed as well") as raised:
        deploy(world, "--no-smoke")

    assert raised.value.exit is Exit.FAILED


def test_a_smoke_test_that_cannot_be_made_keeps_everything_as_it_is(
    world: World, gateway: FakeEcs
) -> None:
    world.environ["GATEWAY_MASTER_KEY"] = "sk-any"

    with pytest.raises(Unreachable):
        deploy(world, "--url", "http://127.0.0.1:9", "--internal-url", "http://127.0.0.1:9")

    assert gateway.asked("register_task_definition") == []


@pytest.mark.parametrize(
    "image",
    ["", "gateway", "gateway:latest", f"{REPOSITORY}:main", f"{REPOSITORY}@sha256:abc", "a b:1"],
)
def test_an_image_that_may_change_is_no_image(world: World, gateway: FakeEcs, image: str) -> None:
    with pytest.raises(Misuse):
        world.run("ecs", "deploy", f"--image={image}", "--no-smoke", "--yes")

    assert gateway.calls == []


def test_another_repository_takes_a_second_word(world: World, gateway: FakeEcs) -> None:
    other = f"ghcr.io/somebody/gateway@sha256:{'a' * 64}"

    with pytest.raises(Refused, match="another repository"):
        world.run("ecs", "deploy", "--image", other, "--no-smoke", "--yes")

    assert gateway.asked("register_task_definition") == []


def test_the_same_image_is_not_deployed_again(world: World, gateway: FakeEcs) -> None:
    result = world.run("ecs", "deploy", "--image", f"{REPOSITORY}:1", "--no-smoke", "--yes")

    assert notes(result) == [f"{FAMILY}:1 runs this image already."]


def test_without_an_address_it_says_so_before_anything_is_done(
    world: World, gateway: FakeEcs
) -> None:
    with pytest.raises(Misuse, match="Where is the gateway"):
        deploy(world)

    assert gateway.calls == []


def test_rolling_back_goes_to_the_revision_before(world: World, gateway: FakeEcs) -> None:
    deploy(world, "--no-smoke")

    result = world.run("ecs", "rollback", "--yes")

    assert changes(result) == [
        f"revision of gateway: {FAMILY}:2 -> {FAMILY}:1",
        f"image of gateway: {IMAGE} -> {REPOSITORY}:1",
    ]
    assert gateway.running["gateway"].primary.revision.endswith(":1")


def test_rolling_back_skips_what_is_no_longer_active(world: World, gateway: FakeEcs) -> None:
    deploy(world, "--no-smoke")
    deploy(world, "--no-smoke", f"--image={REPOSITORY}:3")
    gateway.definitions[FAMILY][1]["taskDefinition"]["status"] = "INACTIVE"

    world.run("ecs", "rollback", "--yes")

    assert gateway.running["gateway"].primary.revision.endswith(":1")


def test_a_family_of_a_similar_name_is_another_one(world: World, gateway: FakeEcs) -> None:
    with pytest.raises(NotFound, match="no active revision before 1"):
        world.run("ecs", "rollback", "--yes")


@pytest.mark.parametrize("number", ["7", "0"])
def test_a_revision_that_there_is_not_is_told(world: World, gateway: FakeEcs, number: str) -> None:
    with pytest.raises(NotFound, match=f"no active revision {number}"):
        world.run("ecs", "rollback", "--to", number, "--yes")

    assert gateway.asked("update_service") == []

"""Playbooks: in check mode, for real, again, and with a failure in the middle."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ops.playbooks.ansible import Ansible, Played
from tests.ops.playbooks.cloud import PASSWORD, POC, Cloud
from tests.ops.support.fake_drill import booked
from tests.support.processes import MASTER_KEY
from tests.workflows.support.platform import IMAGE

pytestmark = pytest.mark.timeout(600)
NEW_IMAGE = f"{IMAGE}@sha256:{'a' * 64}"
BROKEN = {"PGPASSWORD": "wrong", "GATEWAY_DATABASE_TIMEOUT_SECONDS": "1"}


def well(played: Played, changed: int) -> Played:
    assert (played.code, played.changed) == (0, changed), played.said
    return played


def failed(played: Played, why: str) -> Played:
    assert played.code == 2, played.said
    assert why in played.said
    return played


def test_a_master_key_is_rotated_once(ansible: Ansible, cloud: Cloud) -> None:
    well(ansible.play("rotate-master-key", "--check", older_than="1s"), 1)
    assert cloud.secret("gateway/master-key") == MASTER_KEY

    done = well(ansible.play("rotate-master-key", older_than="1s", confirm="yes", really=True), 1)
    new = cloud.secret("gateway/master-key")
    assert cloud.gateway_task.process.try_as(new, "GET", "/key/list").status_code == 200
    assert new not in done.said

    well(ansible.play("rotate-master-key", confirm="yes"), 0)
    assert cloud.secret("gateway/master-key") == new


def test_a_master_key_that_the_gateway_does_not_take_is_taken_back(
    ansible: Ansible, cloud: Cloud
) -> None:
    cloud.gateway_task.settings = lambda: {"PGPASSWORD": PASSWORD}

    failed(ansible.play("rotate-master-key", older_than="1s", confirm="yes"), "ROLLED_BACK")

    assert cloud.secret("gateway/master-key") == MASTER_KEY


def test_a_databases_password_is_rotated_once(ansible: Ansible, cloud: Cloud) -> None:
    well(ansible.play("rotate-database-password", "--check", older_than="1s"), 1)
    assert cloud.secret("gateway/database") == PASSWORD

    done = well(
        ansible.play("rotate-database-password", older_than="1s", confirm="yes", really=True), 1
    )
    new = cloud.secret("gateway/database")
    assert new != PASSWORD
    assert new not in done.said

    well(ansible.play("rotate-database-password", confirm="yes"), 0)
    assert cloud.secret("gateway/database") == new


def test_a_password_that_cannot_be_set_is_taken_back(ansible: Ansible, cloud: Cloud) -> None:
    cloud.one_offs.fails = [1]

    failed(ansible.play("rotate-database-password", older_than="1s", confirm="yes"), "ROLLED_BACK")

    assert cloud.secret("gateway/database") == PASSWORD


def test_a_drill_restores_compares_and_leaves_nothing(ansible: Ansible, cloud: Cloud) -> None:
    booked(cloud.instance, PASSWORD, datetime.now(UTC) - timedelta(days=1), 3)

    well(ansible.play("restore-drill", "--check"), 1)
    assert cloud.databases() == [POC.database]

    done = well(ansible.play("restore-drill", confirm="yes", really=True), 1)
    assert "All 3 requests are there" in done.said
    assert cloud.databases() == [POC.database]


def test_a_drill_that_fails_leaves_nothing_either(ansible: Ansible, cloud: Cloud) -> None:
    cloud.one_offs.fails = [1]

    failed(ansible.play("restore-drill", confirm="yes"), "database-setup ended with exit code 1")

    assert cloud.databases() == [POC.database]


def test_an_image_is_deployed_once(ansible: Ansible, cloud: Cloud) -> None:
    well(ansible.play("deploy", "--check", image=NEW_IMAGE), 1)
    failed(ansible.play("deploy", image=NEW_IMAGE), "Nothing was changed.")
    assert cloud.image != NEW_IMAGE

    well(ansible.play("deploy", image=NEW_IMAGE, confirm="yes", really=True), 1)
    assert cloud.image == NEW_IMAGE

    well(ansible.play("deploy", image=NEW_IMAGE, confirm="yes"), 0)


def test_a_migration_that_fails_leaves_the_gateway_alone(ansible: Ansible, cloud: Cloud) -> None:
    before = cloud.image
    cloud.one_offs.fails = [1]

    failed(
        ansible.play("deploy", image=NEW_IMAGE, confirm="yes", migrate="yes"),
        "gateway-migrate ended with exit code 1",
    )

    assert cloud.image == before


def test_a_nat_instance_is_replaced_if_it_does_not_serve(ansible: Ansible, cloud: Cloud) -> None:
    before = cloud.nat.machine
    cloud.nat.detach()

    well(ansible.play("recover-nat", "--check"), 1)
    assert cloud.nat.machine == before

    well(ansible.play("recover-nat", confirm="yes", really=True), 1)
    after = cloud.nat.machine
    assert after != before

    well(ansible.play("recover-nat", confirm="yes"), 0)
    assert cloud.nat.machine == after


def test_a_nat_instance_without_its_interface_is_told(ansible: Ansible, cloud: Cloud) -> None:
    cloud.nat.detach()
    cloud.nat.ec2.delete_network_interface(NetworkInterfaceId=cloud.nat.interface)

    failed(ansible.play("recover-nat", confirm="yes", limit="1s"), "terraform apply makes it")


def test_triage_finds_the_deployment_and_takes_it_back(ansible: Ansible, cloud: Cloud) -> None:
    good = cloud.gateway_task.settings
    cloud.gateway_task.settings = lambda: BROKEN
    first = cloud.gateway["taskDefinition"]
    cloud.deploy_another()
    cloud.gateway_task.settings = good

    proposed = well(ansible.play("triage"), 0)
    assert "It would run: ops ecs rollback gateway" in proposed.said
    assert cloud.gateway["taskDefinition"] != first

    well(ansible.play("triage", confirm="yes", really=True), 1)
    assert cloud.gateway["taskDefinition"] == first

    again = well(ansible.play("triage", confirm="yes"), 0)
    assert "Nothing is wrong that this can see." in again.said


def test_triage_without_credentials_says_so(ansible: Ansible) -> None:
    del ansible.environment["AWS_ACCESS_KEY_ID"]

    played = failed(ansible.play("triage"), "There are no AWS credentials")

    assert played.tests.findall(".//error")


def test_without_an_environment_nothing_is_asked(ansible: Ansible) -> None:
    failed(ansible.play("triage", env="staging"), "Which environment?")

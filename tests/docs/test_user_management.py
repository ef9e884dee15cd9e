"""The commands of docs/user-management.md, in their order, against one gateway."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.asking import may_use, message
from tests.support.processes import MASTER_KEY, ROOT
from tests.support.stack import Stack

PAGE = (ROOT / "docs" / "user-management.md").read_text()
BLOCKS = re.findall(r"```bash\n(.+?)```", PAGE, re.DOTALL)
KEY = re.compile(r"^Key: (sk-\S+)$", re.MULTILINE)


@pytest.fixture
def said(own_stack: Stack, tmp_path: Path) -> list[str]:
    """What each block answered."""
    answers = []
    for block in BLOCKS:
        # The file of ./dev up stands for what the environment of this test holds.
        command = block.replace(". .local/gateway.env\n", "").replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["bash", "-euc", command.replace("curl ", "curl --silent --fail-with-body ")],
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "GATEWAY_INTERNAL_URL": own_stack.gateway.internal_url,
                "GATEWAY_MASTER_KEY": MASTER_KEY,
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (block, done.stdout + done.stderr)
        answers.append(done.stdout)
    return answers


def test_every_command_does_what_the_page_says(own_stack: Stack, said: list[str]) -> None:
    gateway = own_stack.gateway
    example = next(answer for answer in said if "admin@example.com" in answer)
    admin, developer, intern = KEY.findall(example)

    assert len(may_use(gateway, admin)) > 5
    assert may_use(gateway, developer) == {"claude-haiku-4-5", "claude-sonnet-4-5"}
    assert may_use(gateway, intern) == {"claude-haiku-4-5"}
    assert message(gateway, intern).status_code == 200
    assert message(gateway, intern, "claude-sonnet-4-5").status_code == 403
    assert message(gateway, developer, "claude-opus-5-5").status_code == 403
    assert re.search(r"developer@example\.com +internal_user +50\.00 monthly", example)
    assert re.search(r"intern@example\.com +internal_user +10\.00 monthly", example)
    assert re.search(r"admin@example\.com +internal_user +unlimited", example)

    users = {row["user_email"]: row for row in gateway.admin("GET", "/user/list")["users"]}
    assert users["developer@example.com"]["max_budget"] == 80
    assert users["developer@example.com"]["temp_budget_increase"] == 20
    assert users["auditor@example.com"]["user_role"] == "proxy_admin_viewer"
    assert users["third-intern@example.com"]["litellm_budget_table"]["max_budget"] == 10
    assert users["grace@example.com"]["key_count"] == 1


def test_a_spent_budget_is_refused_by_the_name_of_its_owner(
    own_stack: Stack, said: list[str]
) -> None:
    del said
    (intern,) = own_stack.gateway.admin("GET", "/user/list", user_email="linus@")["users"]
    key = own_stack.gateway.new_key(user_id=intern["user_id"])
    own_stack.gateway.admin("POST", "/user/update", user_id=intern["user_id"], max_budget=0)

    refused = message(own_stack.gateway, key)

    assert refused.status_code == 429
    assert "budget" in refused.json()["error"]["message"]

"""Keys are not guessed, not timed, and not found where they should not be."""

import ast
import math
from pathlib import Path

import httpx
import pytest

from app.identity import policy as keys
from app.identity.policy import generate_key, hash_key
from tests.support.processes import MASTER_KEY, ROOT
from tests.support.stack import Stack

SECRET_NAMES = ("secret", "credential", "master_key", "password", "token_sent")
"""Parts of the names of what is compared with care."""


def test_a_key_has_128_random_bits() -> None:
    made = [generate_key().removeprefix(keys.PREFIX) for _ in range(4000)]

    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {22}
    # 16 bytes in base64: all places but the last hold 6 bits, each of its 64 signs about as often.
    counts = [sum(one[place] == sign for one in made) for place in range(21) for sign in "Az09-_"]
    mean = len(made) / 64
    assert all(abs(count - mean) < 7 * math.sqrt(mean) for count in counts)


def test_secrets_are_never_compared_sign_by_sign() -> None:
    """A key is looked up by its hash, the master key compared by `hmac.compare_digest`: nowhere in
    the gateway does `==`, `in` or `startswith` stand beside the name of a secret."""
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        if "local" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and not _with_constants(node):
                named = [_name(part) for part in (node.left, *node.comparators)]
                if any(word in name for name in named for word in SECRET_NAMES):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")

    assert found == []


def _with_constants(node: ast.Compare) -> bool:
    """Such as `secret is None`, or a length."""
    harmless = ast.Constant | ast.Call | ast.Compare
    return any(isinstance(part, harmless) for part in (node.left, *node.comparators))


def _name(node: ast.expr) -> str:
    return ast.unparse(node).lower()


def test_the_gateways_memory_is_not_written_to_disk(stack: Stack) -> None:
    limits = Path(f"/proc/{stack.gateway.process.pid}/limits").read_text()

    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]


def test_keys_are_in_no_list_of_processes_and_no_table(stack: Stack) -> None:
    key = stack.gateway.new_key()
    stack.gateway.admin("GET", "/key/info", key=key)
    tables = [
        row["name"]
        for row in stack.query(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    ]
    rows = " ".join(
        str(row["line"])
        for table in tables
        for row in stack.query(f"SELECT t::text AS line FROM {table} t")
    )
    arguments = Path(f"/proc/{stack.gateway.process.pid}/cmdline").read_bytes().decode()

    for secret in (key, MASTER_KEY):
        assert secret not in rows
        assert secret not in arguments
        assert secret not in stack.gateway.metrics()
        assert secret not in stack.gateway.written()
    assert hash_key(key) in rows


@pytest.mark.parametrize("sent", ["x" * 511, "sk-" + "x" * 508, "sk-é", "sk-" + "x" * 600])
def test_a_wrong_key_is_not_repeated_to_its_sender(stack: Stack, sent: str) -> None:
    refused = httpx.get(
        f"{stack.gateway.internal_url}/user/list",
        headers={b"authorization": b"Bearer " + sent.encode()},
    )

    assert refused.status_code == 401
    assert sent[3:] not in refused.text

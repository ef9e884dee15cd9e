"""The demo user and key, made once through the gateway's own administration."""

import secrets
from collections.abc import Callable, Mapping

from app.local.files import write_private
from app.local.stack_errors import StackError
from app.local.stack_probe import Answer, call
from app.local.stack_state import Options, State

USER = {"user_id": "demo", "user_email": "demo@example.com", "max_budget": 100}
WINDOW = "30d"


def demo_key(state: State, options: Options, say: Callable[[str], None]) -> str:
    """The key that was made before while it is accepted, else a new one."""
    if state.demo_key.exists():
        key = state.demo_key.read_text()
        answer = call(options.port, "GET", "/v1/models", key=key)
        if answer is not None and answer.status != 401:
            return key
    answer = _ask(state, options, "/user/new", USER | {"budget_duration": WINDOW})
    if answer is not None and answer.status == 409:
        answer = _ask(state, options, "/key/generate", {"user_id": USER["user_id"]})
    key = str(answer.body.get("key", "")) if answer is not None else ""
    if answer is None or answer.status != 200 or not key:
        words = f"HTTP {answer.status} {answer.words}" if answer else "no answer"
        raise StackError(f"The gateway made no demo key: {words}\nMore: ./dev logs gateway")
    write_private(state.demo_key, key)
    say(f"Demo user {USER['user_id']} has a key and ${USER['max_budget']} for {WINDOW}")
    return key


def _ask(state: State, options: Options, path: str, body: Mapping[str, object]) -> Answer | None:
    alias = {"key_alias": f"demo-{secrets.token_hex(3)}"}
    port, key = options.internal_port, state.master_key()
    return call(port, "POST", path, key=key, body={**body, **alias})

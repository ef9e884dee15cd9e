"""What the stack tells a person, and the same for a shell."""

import shlex

from app.local.ports import HOST
from app.local.stack_state import DEFAULT_DIRECTORY, State
from app.local.stack_up import Stack

MODEL = "claude-haiku-4-5"


def environment(stack: Stack) -> dict[str, str]:
    """The variables that point clients and tools at the stack."""
    gateway = f"http://{HOST}:{stack.options.port}"
    emulator = f"http://{HOST}:{stack.emulator_port}" if stack.emulator_port else ""
    return {
        "ANTHROPIC_BASE_URL": gateway,
        "ANTHROPIC_AUTH_TOKEN": stack.demo_key,
        "OPENAI_BASE_URL": f"{gateway}/v1",
        "OPENAI_API_KEY": stack.demo_key,
        "GATEWAY_INTERNAL_URL": f"http://{HOST}:{stack.options.internal_port}",
        "GATEWAY_MASTER_KEY": stack.master_key,
        "DATABASE_URL": stack.dsn,
        "BEDROCK_EMULATOR_URL": emulator,
        "VICTORIA_METRICS_URL": f"http://{HOST}:{stack.metrics_port}" if stack.metrics_port else "",
    }


def summary(stack: Stack, state: State) -> str:
    """Where everything is, and the lines to copy."""
    values, file = environment(stack), shlex.quote(str(state.environment_file))
    own = state.directory == DEFAULT_DIRECTORY
    more = "" if own else f" --state-dir {shlex.quote(str(state.directory))}"
    url, key = values["ANTHROPIC_BASE_URL"], values["ANTHROPIC_AUTH_TOKEN"]
    metrics = values["VICTORIA_METRICS_URL"]
    seen = f"\n  metrics         {metrics}/targets\n  alerts          {metrics}/vmalert/alerts"
    bedrock = values["BEDROCK_EMULATOR_URL"] or f"AWS, {stack.region}"
    return f"""
The gateway is ready.

  public          {url}
  administration  {values["GATEWAY_INTERNAL_URL"]}  (its key: GATEWAY_MASTER_KEY in {file})
  Bedrock         {bedrock}{"  (emulated: answers are made up)" if stack.emulator_port else ""}
  demo key        {key}{seen if metrics else ""}

Claude Code:

  export ANTHROPIC_BASE_URL={url}
  export ANTHROPIC_AUTH_TOKEN={key}
  claude

curl:

  curl {url}/v1/messages -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\
    -d '{{"model":"{MODEL}","max_tokens":100,"messages":[{{"role":"user","content":"Hello"}}]}}'

All of it for a shell: . {file}
Next: ./dev status{more}, ./dev logs{more} gateway -f, ./dev down{more}
{"".join(f"{chr(10)}{notice}" for notice in stack.notices)}""".rstrip()

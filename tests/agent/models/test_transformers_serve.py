"""The OpenAI-compatible model against a real `transformers serve`, which takes a schema and ignores it.

It serves a tiny model of noise, so no step comes back: what shows is the probe, the validation, the repair.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from agent.egress.endpoints import local_client
from agent.errors import ModelFailed
from agent.messages import Message, QuestionMessage, SystemMessage
from agent.models.chat_completions import ChatCompletions
from agent.models.constraint import unconstrained
from agent.models.openai import OpenAICompatible
from tests.agent.models.step_schema import STEP_SCHEMA
from tests.conftest import absent

pytestmark = [pytest.mark.local, pytest.mark.llama]
START_SECONDS = 120
MESSAGES: list[Message] = [
    SystemMessage(text="You read charts.", now="2026-11-22"),
    QuestionMessage(text="What was the last HbA1c?"),
]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """The base of a server that was started for this, and its model."""
    if find_spec("torch") is None or find_spec("fastapi") is None:
        absent("the extras `local` and `llama` are not installed")
    from tests.agent.models.local import tiny

    model = str(tiny.checkpoint())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).with_name("transformers"))
    command = [program, "serve", model, "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            pass
    pytest.fail(f"transformers serve did not come up within {START_SECONDS} s ({process.poll()})")


@pytest.mark.anyio
async def test_that_it_ignores_the_schema_is_found_out_and_what_is_no_step_is_refused_after_one_repair(
    served: tuple[str, str],
) -> None:
    base, name = served
    async with local_client(timeout=120) as http:
        model = OpenAICompatible(http, base, name, api_key=None, max_tokens=40, timeout=120)
        with pytest.raises(ModelFailed, match="gave no valid step, twice"):
            await model.next_step(MESSAGES, STEP_SCHEMA, [])
        assert model._constraint is unconstrained


@pytest.mark.anyio
async def test_it_is_heard_and_counted_while_it_streams(served: tuple[str, str]) -> None:
    base, name = served
    pieces: list[str] = []
    turn = {"role": "user", "content": "Say hello."}
    async with local_client(timeout=120) as http:
        endpoint = ChatCompletions(http, base, None, 120, model=name)
        reply = await endpoint.stream({"model": name, "messages": [turn], "max_tokens": 20}, pieces.append)
    assert reply.text == "".join(pieces)
    assert reply.usage.prompt > 0

"""The doctor's page: each thing that is amiss is found, with what to do; looking changes nothing."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from agent.config import Settings
from agent.doctor import WANTED, Found, examine, models, page
from agent.models.local.fetching import copy
from tests.conftest import absent

CAPABLE: dict[str, Any] = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "HAPI", "version": "8"},
    "rest": [
        {
            "resource": [
                *({"type": kind, "interaction": [{"code": "search-type"}]} for kind in WANTED),
                {"type": "AuditEvent", "interaction": [{"code": "create"}]},
            ]
        }
    ],
}


class Server:
    """A stand-in for a FHIR server and for a model server."""

    def __init__(self) -> None:
        self.statement: dict[str, Any] = CAPABLE
        self.status = 200
        self.late = timedelta()
        self.models: list[str] = []

    def __enter__(self) -> "Server":
        told = self

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Nothing: the test's output is its own."""

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(datetime.now(UTC) - told.late, usegmt=True)

            def do_GET(self) -> None:
                listed = {"data": [{"id": name} for name in told.models]}
                body = json.dumps(listed if self.path.endswith("/models") else told.statement).encode()
                self.send_response(told.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


async def asked(data_dir: Path) -> None:
    """A question, which begins the trail."""
    question = ["ask", "Any allergies?", "--patient", "lee-watson", "--data-dir", str(data_dir)]
    assert await asyncio.to_thread(main, question) == 0


async def found(data_dir: Path, **values: Any) -> dict[str, Found]:
    settings = Settings.model_validate({"data_dir": data_dir, **values})
    return {one.check: one for one in await examine(settings)}


@pytest.mark.anyio
async def test_a_fresh_home_is_well_and_stays_as_it_is(tmp_path: Path) -> None:
    told = await found(tmp_path / "home")
    assert {one.state for one in told.values()} <= {"ok", "none"}
    assert told["policy"].said == "nothing leaves this building"
    assert told["audit trail"].said == "begins with the first question"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_sample_charts_and_a_trail_in_use_are_well(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    await asked(data_dir)
    told = await found(data_dir)
    assert {one.state for one in told.values()} <= {"ok", "none"}
    assert "9 on offer" in told["MCP tools"].said
    assert told["audit trail"].said == "chain and signatures hold"


@pytest.mark.anyio
async def test_files_that_others_can_read_are_told_with_the_command_that_mends_it(data_dir: Path) -> None:
    await asked(data_dir)
    (data_dir / "audit.sqlite").chmod(0o644)
    files = (await found(data_dir))["files"]
    assert (files.state, files.fix) == ("bad", f"chmod 600 {data_dir / 'audit.sqlite'}")


@pytest.mark.anyio
async def test_a_trail_without_its_key_or_with_a_changed_record_is_told(data_dir: Path) -> None:
    await asked(data_dir)
    (data_dir / "audit.key").rename(data_dir / "elsewhere")
    assert (await found(data_dir))["audit trail"].state == "bad"


@pytest.mark.anyio
async def test_a_fhir_server_is_told_with_its_version_and_clock(tmp_path: Path, server: Server) -> None:
    told = await found(tmp_path, fhir=f"{server.url}/fhir")
    assert "HAPI 8, FHIR 4.0.1" in told["FHIR server"].said
    assert (told["FHIR types"].state, told["clock"].state) == ("ok", "ok")


@pytest.mark.anyio
async def test_what_a_fhir_server_lacks_is_told_by_type(tmp_path: Path, server: Server) -> None:
    server.statement = {**CAPABLE, "rest": [{"resource": []}]}
    told = await found(tmp_path, fhir=f"{server.url}/fhir")
    assert "Observation" in told["FHIR types"].said
    assert told["AuditEvents"].fix.startswith("set audit_events to files")


@pytest.mark.anyio
async def test_another_release_of_fhir_a_refusal_and_silence_are_bad(tmp_path: Path, server: Server) -> None:
    server.statement = {**CAPABLE, "fhirVersion": "3.0.2"}
    assert (await found(tmp_path, fhir=f"{server.url}/fhir"))["FHIR server"].state == "bad"
    server.status = 401
    assert "HTTP 401" in (await found(tmp_path, fhir=f"{server.url}/fhir"))["FHIR server"].said
    assert "no answer" in (await found(tmp_path, fhir="http://127.0.0.1:9/fhir"))["FHIR server"].said


@pytest.mark.anyio
async def test_a_clock_that_is_off_is_bad(tmp_path: Path, server: Server) -> None:
    server.late = timedelta(minutes=5)
    clock = (await found(tmp_path, fhir=f"{server.url}/fhir"))["clock"]
    assert clock.state == "bad"
    off = int(clock.said.removesuffix(" s off the FHIR server's"))
    assert 295 < off < 400  # the header has whole seconds, and the machine may be busy


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("offered", "model", "state", "says"),
    [
        (["medgemma:27b"], "openai:medgemma", "ok", "medgemma at"),
        (["llama"], "openai:medgemma", "bad", "has no medgemma"),
        ([], "openai:medgemma", "bad", "lists no models"),
    ],
)
async def test_a_model_server_is_asked_for_its_models(
    tmp_path: Path, server: Server, offered: list[str], model: str, state: str, says: str
) -> None:
    server.models = offered
    told = await found(tmp_path, model=model, openai_url=f"{server.url}/v1")
    assert (told["planner"].state, says in told["planner"].said) == (state, True)


@pytest.mark.anyio
async def test_a_model_at_a_far_host_is_refused_without_asking_it(tmp_path: Path) -> None:
    told = await found(tmp_path, model="openai:m", openai_url="https://far.example/v1")
    assert (told["planner"].state, "far.example" in told["planner"].said) == ("bad", True)


@pytest.mark.anyio
async def test_what_may_leave_is_told_with_what_is_missing_for_it(tmp_path: Path) -> None:
    told = await found(
        tmp_path, escalation_workflows="chat=deidentified", hosted_model="anthropic:frontier-1"
    )
    assert told["policy"].state == "warn"
    lines = page(list(told.values()))
    assert "1 to be looked at" in lines or "2 to be looked at" in lines


def test_the_page_is_a_hundred_columns_wide_and_the_exit_status_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    assert main(["doctor", "--data-dir", str(tmp_path), "--fhir", "http://127.0.0.1:9/fhir", "--json"]) == 1
    assert {"check", "state", "said", "fix"} == set(json.loads(capsys.readouterr().out)[0])


@pytest.mark.local
def test_local_models_are_told_apart_by_what_is_wrong_with_each(tmp_path: Path) -> None:
    if find_spec("torch") is None:
        absent("the `local` extra is not installed")
    shape = {"model_type": "gemma3_text", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 6}
    for name, config in {
        "a/small": shape,
        "a/huge": shape | {"num_hidden_layers": 10**8},
        "a/llama": {},
    }.items():
        disk = tmp_path / name.replace("/", "-")
        disk.mkdir()
        (disk / "config.json").write_text(json.dumps(config))
        (disk / "model.safetensors").write_bytes(b"\0" * 8)
        copy(disk, name, tmp_path / "models", lambda *_: None)
    (tmp_path / "models" / "a--broken@1").mkdir()
    settings = Settings.model_validate({"data_dir": tmp_path})
    told = {one.said.partition(" ")[0].strip(":"): one for one in models(settings)}
    broken = told.pop(str(tmp_path / "models" / "a--broken@1"))
    assert {name: one.state for name, one in told.items()} == {
        "a/small": "ok", "a/huge": "warn", "a/llama": "bad",
    }  # fmt: skip
    assert "no Gemma 3" in told["a/llama"].said
    assert "local_offload" in told["a/huge"].fix
    assert (broken.state, broken.fix) == ("bad", "remove it, and fetch the model again")

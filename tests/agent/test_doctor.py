"""The doctor's page: each thing that is amiss is found, with what to do; looking changes nothing."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.cli import main
from agent.config import Settings
from agent.doctor import Found, examine, page
from agent.doctor.findings import in_thread
from agent.doctor.machine import disk, gpu, models, offline
from agent.doctor.services import WANTED
from agent.models.local.fetching import copy
from mcp_servers.audit.chain.keys import new_secret
from tests.conftest import absent

CAPABLE: dict[str, Any] = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "HAPI", "version": "8"},
    "rest": [
        {
            "resource": [
                *(
                    {
                        "type": kind,
                        "interaction": [{"code": "search-type"}],
                        "searchParam": [{"name": name, "type": "token"} for name in names],
                    }
                    for kind, names in WANTED.items()
                ),
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
        self.search_status = 200
        self.strict_status = 400
        self.body = b""
        self.late = timedelta()
        self.models: list[str] = []
        self.asked: list[str] = []

    def __enter__(self) -> "Server":
        told = self

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Nothing: the test's output is its own."""

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(datetime.now(UTC) - told.late, usegmt=True)

            def do_GET(self) -> None:
                listed = {"data": [{"id": name} for name in told.models]}
                told.asked.append(self.path)
                body = json.dumps(listed if self.path.endswith("/models") else told.statement).encode()
                status = told.status
                if "/Patient?" in self.path:
                    status = told.strict_status if "no-such" in self.path else told.search_status
                body = told.body or body
                self.send_response(status)
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
    assert "chain, signatures and key hold" in told["audit trail"].said
    assert told["delivery"].state == "ok"


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
    gone = (await found(data_dir))["audit trail"]
    assert (gone.state, "audit.key is missing" in gone.said) == ("bad", True)
    wrong = (await found(data_dir, audit_key=new_secret()))["audit trail"]
    assert (wrong.state, "another key" in wrong.said) == ("bad", True)
    (data_dir / "elsewhere").rename(data_dir / "audit.key")
    with sqlite3.connect(data_dir / "audit.sqlite") as db:
        db.execute("PRAGMA user_version = 1")
    db.close()
    older = (await found(data_dir))["audit trail"]
    assert (older.state, "version" in older.said) == ("bad", True)


@pytest.mark.anyio
async def test_a_fhir_server_is_told_with_its_version_and_clock(tmp_path: Path, server: Server) -> None:
    told = await found(tmp_path, fhir=f"{server.url}/fhir")
    assert "HAPI 8, FHIR 4.0.1" in told["FHIR server"].said
    assert (told["FHIR types"].state, told["clock"].state) == ("ok", "ok")


@pytest.mark.anyio
async def test_what_a_fhir_server_lacks_is_told_by_type(tmp_path: Path, server: Server) -> None:
    server.statement = {**CAPABLE, "rest": [{"resource": [{"type": "Patient"}]}]}
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
async def test_a_page_for_people_and_a_token_that_is_refused_are_told_for_what_they_are(
    tmp_path: Path, server: Server
) -> None:
    server.search_status = 403
    told = await found(tmp_path, fhir=f"{server.url}/fhir")
    assert (told["FHIR server"].state, "HTTP 403" in told["FHIR server"].said) == ("bad", True)
    assert "fhir_token" in told["FHIR server"].fix
    server.body = b"<html>Sign in</html>"
    told = await found(tmp_path, fhir=f"{server.url}/fhir")
    assert "not answer with FHIR's JSON" in told["FHIR server"].said


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "says"), [(400, "are refused"), (200, "are ignored")])
async def test_what_becomes_of_an_unknown_filter_is_found_without_reading_a_patient(
    tmp_path: Path, server: Server, status: int, says: str
) -> None:
    server.strict_status = status
    assert says in (await found(tmp_path, fhir=f"{server.url}/fhir"))["FHIR filters"].said
    assert all("_summary=count" in path for path in server.asked if "Patient" in path)


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
        (["medgemma:27b"], "openai:medgemma:27b", "ok", "medgemma:27b at"),
        (["medgemma:latest"], "openai:medgemma", "ok", "medgemma at"),
        (["a", "b"], "openai", "bad", "several"),
        (["llama"], "openai:medgemma", "warn", "does not list medgemma"),
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
async def test_of_several_models_one_that_is_missing_is_not_needed(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "model": "openai:m@http://127.0.0.1:9/v1,offline"}
    )
    several = [one for one in await examine(settings) if one.check == "planner"]
    assert [one.state for one in several] == ["warn", "ok"]


@pytest.mark.anyio
async def test_a_model_that_there_is_not_is_bad(tmp_path: Path) -> None:
    assert (await found(tmp_path, model="openia:m"))["planner"].state == "bad"


@pytest.mark.anyio
async def test_a_check_that_hangs_or_breaks_is_a_line_and_the_others_go_on(tmp_path: Path) -> None:
    held = threading.Event()

    def hangs(_: Settings) -> list[Found]:
        held.wait()
        return []

    async def breaks(_: Settings) -> list[Found]:
        raise ZeroDivisionError

    async def well(_: Settings) -> list[Found]:
        return [Found("c", "ok", "well")]

    checks = (("a", partial(in_thread, hangs), 0.05), ("b", breaks, 1.0), ("c", well, 1.0))
    told = await examine(Settings.model_validate({"data_dir": tmp_path}), checks)
    held.set()
    assert [(one.check, one.state) for one in told] == [("a", "bad"), ("b", "bad"), ("c", "ok")]
    assert "no answer within 0.05 s" in told[0].said


@pytest.mark.parametrize(
    ("script", "model", "state", "says"),
    [
        ("echo 'NVIDIA L4, 580.95, 23034 MiB, 22500 MiB'", "local", "ok", "NVIDIA L4, driver 580.95"),
        ("echo 'Driver/library version mismatch'; exit 18", "offline", "warn", "version mismatch"),
        ("echo 'Driver/library version mismatch'; exit 18", "local", "bad", "version mismatch"),
        ("echo 'No devices were found'", "local", "bad", "No devices"),
    ],
)
def test_a_gpu_is_told_as_its_driver_tells_and_is_bad_only_where_a_model_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, model: str, state: str, says: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    told = gpu(Settings.model_validate({"data_dir": tmp_path, "model": model}))
    assert [(one.state, says in one.said) for one in told] == [(state, True)]


@pytest.mark.parametrize("model", ["offline", "local"])
def test_a_machine_without_a_gpu_can_still_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (told,) = gpu(Settings.model_validate({"data_dir": tmp_path, "model": model}))
    assert told.state == ("none" if model == "offline" else "warn")


@pytest.mark.parametrize(("gib", "state"), [(0.5, "bad"), (3, "warn"), (9, "ok")])
def test_a_disk_that_fills_up_is_told_before_no_question_can_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gib: float, state: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=int(gib * 2**30)))
    (told,) = disk(Settings.model_validate({"data_dir": tmp_path / "to" / "be" / "made"}))
    assert (told.state, f"{gib:.1f} GiB free at {tmp_path}" in told.said) == (state, True)


@pytest.mark.anyio
async def test_audit_events_that_cannot_be_delivered_are_counted(data_dir: Path) -> None:
    away = ["ask", "Any allergies?", "--patient", "lee-watson", "--data-dir", str(data_dir)]
    assert await asyncio.to_thread(main, [*away, "--fhir", "http://127.0.0.1:9/fhir"]) == 1
    told = (await found(data_dir, audit_max_pending=1))["delivery"]
    assert (told.state, "no question is answered" in told.said) == ("bad", True)
    told = (await found(data_dir))["delivery"]
    assert (told.state, "lee-watson" in told.said) == ("ok", False)


def test_what_a_server_says_of_itself_cannot_write_on_the_terminal() -> None:
    assert "\x1b" not in page([Found("FHIR server", "ok", "\x1b[2Jnamed so")])


def test_a_proxy_in_the_environment_is_told_and_libraries_that_may_ask_the_internet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    told = offline(Settings.model_validate({"data_dir": tmp_path}))
    assert [one.state for one in told] == ["warn", "ok", "ok"]
    assert "secret" not in page(told)


@pytest.mark.anyio
async def test_what_may_leave_is_told_with_what_is_missing_for_it(tmp_path: Path) -> None:
    told = await found(
        tmp_path, escalation_workflows="chat=deidentified", hosted_model="anthropic:frontier-1"
    )
    assert (told["policy"].state, "chat deidentified" in told["policy"].said) == ("ok", True)
    assert {told[name].state for name in ("agreement", "hosted model", "cost")} == {"warn"}
    lines = page(list(told.values()))
    assert "3 to be looked at" in lines


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
    told = {
        one.said.partition(" ")[0].strip(":"): one
        for one in models(settings)
        if one.check == "model" and one.state != "none"
    }
    broken = told.pop(str(tmp_path / "models" / "a--broken@1"))
    assert {name: one.state for name, one in told.items()} == {
        "a/small": "ok", "a/huge": "warn", "a/llama": "bad",
    }  # fmt: skip
    assert "no Gemma 3" in told["a/llama"].said
    assert "local_offload" in told["a/huge"].fix
    assert (broken.state, broken.fix) == ("bad", "remove it, and fetch the model again")

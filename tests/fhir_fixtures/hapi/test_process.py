"""The HAPI process: its database settings, its failures, and that it never outlives its parent.

Java and Maven are scripted stand-ins here; the real ones are behind the contract suite (`make test-all`).
"""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from fhir_fixtures.hapi.build import HapiUnavailable, build, find_java
from fhir_fixtures.hapi.process import jdbc_settings, running_hapi

JAVA = f"""#!{sys.executable}
import http.server, os, sys, threading
if "-version" in sys.argv:
    sys.exit(print('openjdk version "' + os.environ.get("STAND_IN_VERSION", "17.0.1") + '"', file=sys.stderr))
if os.environ.get("STAND_IN_FAILS"):
    sys.exit("Caused by: the database is away")
class Metadata(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/fhir/metadata" else 404)
        self.end_headers()
        self.wfile.write(b"metadata")
server = http.server.HTTPServer(("127.0.0.1", 0), Metadata)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("starting up")
print("port", server.server_port, flush=True)
for line in sys.stdin:
    print("auditing", flush=True)
"""
MAVEN = """#!/bin/sh
echo built >> "$STAND_IN_LOG"
if [ -n "$STAND_IN_FAILS" ]; then echo "[ERROR] cannot resolve ca.uhn.hapi.fhir"; exit 1; fi
mkdir -p target/lib && touch target/hapi-fixture.jar
"""


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH whose java and mvn are scripts, and a cache folder of its own; returns mvn's log."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in {"java": JAVA, "mvn": MAVEN}.items():
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "maven.log"))
    return tmp_path / "maven.log"


def answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/metadata", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_without_a_database_the_server_is_told_of_none_and_runs_its_own() -> None:
    assert jdbc_settings(None) == {}


def test_a_postgresql_url_becomes_jdbc_settings_without_its_password_in_the_url() -> None:
    assert jdbc_settings("postgresql://dr%40x:p%2Fw@db.example:5433/charts") == {
        "JDBC_URL": "jdbc:postgresql://db.example:5433/charts",
        "JDBC_USER": "dr@x",
        "JDBC_PASSWORD": "p/w",
    }


def test_a_postgresql_password_may_come_from_pgpassword(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    assert jdbc_settings("postgresql://u@h/n")["JDBC_PASSWORD"] == "secret"


@pytest.mark.parametrize("database", ["", "mysql://u@h/n", "postgresql://h/n", "postgresql://u@h", "h2"])
def test_any_other_database_is_refused_with_the_forms_that_work(database: str) -> None:
    with pytest.raises(HapiUnavailable, match="must be postgresql://"):
        jdbc_settings(database)


def test_the_server_runs_as_long_as_the_block_and_no_longer(stand_ins: Path) -> None:
    with running_hapi() as base:
        assert base.endswith("/fhir")
        assert answers(base)
    assert not answers(base)


def test_the_server_is_filled_before_it_audits_and_before_the_block(stand_ins: Path) -> None:
    filled = []
    with running_hapi(fill=lambda base: filled.append(base) if answers(base) else None) as base:
        assert filled == [base]


def test_an_error_in_the_block_takes_the_server_down_too(stand_ins: Path) -> None:
    bases = []

    def fail_to_load() -> None:
        with running_hapi() as base:
            bases.append(base)
            raise RuntimeError("loading failed")

    with pytest.raises(RuntimeError, match="loading failed"):
        fail_to_load()
    assert not answers(bases[0])


def test_the_server_is_built_once_for_the_same_sources(stand_ins: Path) -> None:
    assert build() == build()
    assert stand_ins.read_text() == "built\n"


def test_a_failed_build_says_why_and_is_tried_again(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_FAILS", "1")
    with pytest.raises(HapiUnavailable, match=r"cannot resolve ca\.uhn\.hapi\.fhir"):
        build()
    monkeypatch.delenv("STAND_IN_FAILS")
    assert build().is_file()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(
    stand_ins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    monkeypatch.setenv("STAND_IN_FAILS", "1")
    with pytest.raises(HapiUnavailable, match="the database is away"), running_hapi():
        pass


def test_an_old_java_is_refused_by_its_version(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_VERSION", "11.0.2")
    with pytest.raises(HapiUnavailable, match=r"Java 17 or newer, found .*11\.0\.2"):
        find_java()


def test_java_home_without_a_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(HapiUnavailable, match="no java found"):
        find_java()


def test_a_missing_maven_is_said(stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HapiUnavailable, match="no mvn found"):
        build()


def test_a_taken_port_is_refused_before_the_server_starts(stand_ins: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HapiUnavailable, match=f"port {port} is taken"), running_hapi(port):
            pass


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_prints_its_base_and_takes_the_server_down_however_it_ends(
    stand_ins: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    base_file = tmp_path / "base"
    command = [sys.executable, "-m", "fhir_fixtures.hapi", "--base-file", str(base_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hapi:
        assert hapi.stdout is not None
        base = hapi.stdout.readline().strip()
        assert answers(base)
        hapi.send_signal(ending)
        # The server shares this pipe's other end with nobody, so its end means that the command is gone.
        hapi.stdout.read()
        assert hapi.wait() == (-signal.SIGKILL if ending == signal.SIGKILL else 0)
    assert base_file.read_text() == f"{base}\n"
    assert not still_answers(base)


def still_answers(base: str) -> bool:
    """Whether the server answers after it had time to notice that its parent is gone."""
    return all(answers(base) for _ in range(200))

"""The audit commands that send what waits, and erase what was said, as a privacy officer meets them."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.audit_access import audit_ring, journal_path, recorder_of
from agent.cli import main
from agent.config import load
from agent.fhir_access import EMBEDDED
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import note, undelivered


@pytest.fixture(autouse=True)
def home(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("EHR_NAVIGATOR_CONFIG", raising=False)
    return data_dir


def call(home: Path, base: str, state: str, at: datetime | None = None) -> Path:
    """A call to a FHIR server, and what became of its AuditEvent; where the journal lies."""
    settings, _ = load({"data_dir": home}, {})
    ring = audit_ring(settings, create=True)
    clock = (lambda: at) if at else (lambda: datetime.now(UTC))
    with closing(Journal(journal_path(settings), ring, clock=clock)) as journal:
        recorder_of(settings, journal, "s1", base).begin("observations", {}).complete("ok")
        note(journal, [*undelivered(journal.path)], state, "answered 422", 9e9)
        return journal.path


def test_what_was_refused_is_sent_again_once_its_cause_is_mended(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = call(home, EMBEDDED, "refused")
    assert main(["audit", "deliver"]) == 1
    assert f"{EMBEDDED}: 0 AuditEvents arrived now; 0 wait, 1 are refused." in capsys.readouterr().out
    assert main(["audit", "deliver", "--refused"]) == 0
    assert f"{EMBEDDED}: 1 AuditEvents arrived now; 0 wait, 0 are refused." in capsys.readouterr().out
    assert [*undelivered(path)] == []


def test_what_waits_is_sent_when_asked_however_often_it_failed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(home, EMBEDDED, "pending")
    assert main(["audit", "deliver"]) == 0
    assert "1 AuditEvents arrived now" in capsys.readouterr().out


def test_a_month_that_is_left_as_its_events_wait_is_named_and_erased_if_that_is_meant(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = call(home, "http://gone.example/fhir", "pending", datetime.now(UTC) - timedelta(days=400))
    month, before = (f"{datetime.now(UTC) - timedelta(days=days):%Y-%m}" for days in (400, 360))
    assert main(["audit", "erase", "--before", before]) == 0
    assert f"Left is what was said in {month}: AuditEvents of that time still wait" in capsys.readouterr().out
    assert main(["audit", "erase", "--before", before, "--undelivered"]) == 0
    assert capsys.readouterr().out == f"Erased what was said in {month}.\n"
    (left,) = undelivered(path)
    assert left.state == "refused"

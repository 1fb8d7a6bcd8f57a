"""The audit journal as the settings have it: where its AuditEvents go, how many wait, how long it is kept."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_navigator
from agent.audit_access import audit_ring, journal_path, open_journal, recorder_of
from agent.config import Settings, load
from agent.errors import AuditUnavailable, UsageError
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import OutboxFull
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.delivery import outbox

FHIR = "http://ehr.example/fhir"


def settings_of(data_dir: Path, **given: object) -> Settings:
    return load({"data_dir": data_dir, **given}, {})[0]


def old_call(settings: Settings, age: timedelta, state: str) -> None:
    """A call of that long ago, and what became of its AuditEvent."""
    ring = audit_ring(settings, create=True)
    with closing(Journal(journal_path(settings), ring, clock=lambda: datetime.now(UTC) - age)) as journal:
        call = recorder_of(settings, journal, "s1", FHIR).begin("observations", {"name": "HbA1c"})
        call.complete("ok")
        outbox.note(journal, [*outbox.pending(journal.path, FHIR)], state, "", 0)


def said(settings: Settings) -> list[Any]:
    """What each record of the old session said."""
    content = Content(audit_ring(settings))
    with trail.reading(journal_path(settings)) as db:
        return [trail.said(db, content, record) for record in trail.records(journal_path(settings), "s1")]


@pytest.mark.anyio
async def test_audit_events_go_to_files_where_the_settings_say_so(data_dir: Path, tmp_path: Path) -> None:
    for folder, given in (
        (data_dir / "audit-events", {}),
        (tmp_path / "collected", {"audit_events_dir": tmp_path / "collected"}),
    ):
        settings = settings_of(data_dir, audit_events="files", **given)
        async with open_navigator(settings) as navigator:
            answer = await navigator.ask("Any allergies?", patient="hard-amara-okafor")
        (file,) = folder.glob("*.ndjson")
        events = [json.loads(line) for line in file.read_text().splitlines()]
        assert answer.audit.session in json.dumps(events)
        assert navigator.delivery is not None
        assert (navigator.delivery.delivered, navigator.delivery.pending) == (len(events), 0)
    assert outbox.depths(journal_path(settings)) == []


def test_past_the_bound_of_the_settings_no_call_begins(data_dir: Path) -> None:
    settings = settings_of(data_dir, audit_max_pending=1)
    with closing(open_journal(settings)) as journal:
        recorder = recorder_of(settings, journal, "s1", FHIR)
        recorder.begin("observations", {}).complete("ok")
        with pytest.raises(OutboxFull, match="audit list --undelivered"):
            recorder.begin("observations", {})


def test_a_journal_of_another_version_is_told_as_such_though_it_has_no_key(data_dir: Path) -> None:
    settings = settings_of(data_dir)
    open_journal(settings).close()
    (data_dir / "audit.key").unlink()
    with closing(sqlite3.connect(journal_path(settings))) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(
        AuditUnavailable, match=r"another version.*move it and its companions \(audit.sqlite\*\)"
    ):
        open_journal(settings)


@pytest.mark.parametrize("state", ["delivered", "refused", "pending"])
def test_what_was_said_is_erased_once_its_time_is_over_and_the_chain_still_verifies(
    data_dir: Path, state: str
) -> None:
    settings = settings_of(data_dir, audit_retention_days=200)
    old_call(settings, timedelta(days=240), state)
    assert None not in said(settings)
    open_journal(settings).close()
    assert said(settings) == [None, None]
    assert verify(journal_path(settings)).intact
    erasures = [one for one in trail.records(journal_path(settings)) if one.kind == "erasure"]
    assert [one.body["by"] for one in erasures] == [""]
    known = verify(journal_path(settings)).records
    open_journal(settings).close()
    assert verify(journal_path(settings)).records == known  # nothing more is due, and nothing is written


def test_what_is_not_due_is_kept(data_dir: Path) -> None:
    settings = settings_of(data_dir, audit_retention_days=200)
    old_call(settings, timedelta(days=199), "delivered")
    open_journal(settings).close()
    assert None not in said(settings)


def test_nothing_is_kept_for_less_than_six_months(data_dir: Path) -> None:
    assert settings_of(data_dir).audit_retention_days == 2192
    with pytest.raises(UsageError, match="audit_retention_days"):
        settings_of(data_dir, audit_retention_days=182)

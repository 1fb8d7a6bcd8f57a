"""What waits for its FHIR store, and what was refused."""

from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from mcp_servers.audit.chain.errors import OutboxFull
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery import outbox
from mcp_servers.audit.delivery.outbox import PAGE, depths, note, pending, report, undelivered
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder

from ..trails import BASE, RING, observe

OTHER = "http://other.example/fhir"


def elsewhere(journal: Journal) -> None:
    Recorder(journal, Context("s9", Identity("dr.grey"), OTHER)).begin("observations", {}).complete("ok")


def test_the_depth_of_each_destination_is_known(journal: Journal) -> None:
    assert depths(journal.path) == []
    observe(journal)
    observe(journal)
    elsewhere(journal)
    later = datetime.now(UTC).timestamp() + 3600
    ours, theirs = depths(journal.path, lambda: later)
    assert (ours.destination, ours.pending, ours.refused, ours.problem) == (BASE, 2, 0, "")
    assert 3590 < ours.oldest_s < 3660
    assert (theirs.destination, theirs.pending) == (OTHER, 1)


def test_the_depth_tells_the_problem_of_what_waits_longest_and_else_of_what_was_refused(
    journal: Journal,
) -> None:
    for _ in range(3):
        observe(journal)
    first, second, third = undelivered(journal.path)
    note(journal, [first], "refused", "answered 422", 0)
    note(journal, [second], "pending", "answered 503", 0)
    (depth,) = depths(journal.path)
    assert (depth.pending, depth.refused, depth.problem) == (2, 1, "answered 503")
    note(journal, [second, third], "delivered", "", 0)
    (depth,) = depths(journal.path)
    assert (depth.pending, depth.refused, depth.oldest_s, depth.problem) == (0, 1, 0, "answered 422")
    assert report(journal, BASE, 2, None) == outbox.DeliveryReport(2, 0, 1, None)


def test_what_one_process_delivered_another_that_failed_does_not_call_back(journal: Journal) -> None:
    observe(journal)
    (seen,) = pending(journal.path, BASE)  # by both
    note(journal, [seen], "delivered", "", 0)
    note(journal, [seen], "pending", "answered 409", 0)
    note(journal, [seen], "refused", "answered 422", 0)
    assert [*undelivered(journal.path)] == []


def test_a_long_backlog_is_read_page_by_page_each_event_once(journal: Journal) -> None:
    recorder = Recorder(journal, Context("s1", Identity("dr.grey"), BASE))
    for call in [recorder.act("tool_call", facts={"tool": "t"}, durable=False) for _ in range(2 * PAGE + 1)]:
        call.complete("ok", durable=False)
    elsewhere(journal)
    positions = [entry.position for entry in pending(journal.path, BASE)]
    assert len(positions) == 2 * PAGE + 1
    assert all(one < next_one for one, next_one in pairwise(positions))


def test_past_the_bound_no_call_begins(journal: Journal) -> None:
    bounded = Recorder(journal, Context("s1", Identity("dr.grey"), BASE, max_pending=2))
    for _ in range(2):
        bounded.begin("observations", {}).complete("ok")
    with pytest.raises(OutboxFull, match=f"{BASE} lacks 2 AuditEvents"):
        bounded.begin("observations", {})
    elsewhere(journal)


def test_what_was_refused_is_lacking_too_until_it_is_erased(tmp_path: Path) -> None:
    times = [datetime(2026, 9, 3, tzinfo=UTC)]
    with closing(Journal(tmp_path / "audit.sqlite", RING, clock=lambda: times[-1])) as journal:
        bounded = Recorder(journal, Context("s1", Identity("dr.grey"), BASE, max_pending=2))
        for state in ("refused", "pending"):
            bounded.begin("observations", {}).complete("ok")
            note(journal, [*pending(journal.path, BASE)], state, "answered 422", 0)
        with pytest.raises(OutboxFull, match=r"\(1 wait, 1 it refused\).*audit deliver --refused"):
            bounded.begin("observations", {})
        journal.erase("2026-10", undelivered=True)
        times.append(datetime(2026, 10, 3, tzinfo=UTC))
        bounded.begin("observations", {}).complete("ok")


def test_what_was_refused_waits_again_when_its_cause_is_mended_unless_it_was_erased(tmp_path: Path) -> None:
    times = [datetime(2026, 9, 3, tzinfo=UTC)]
    with closing(Journal(tmp_path / "audit.sqlite", RING, clock=lambda: times[-1])) as journal:
        erased, _ = observe(journal)
        note(journal, [*undelivered(journal.path)], "refused", "answered 422", 0)
        journal.erase("2026-10")
        times.append(datetime(2026, 10, 3, tzinfo=UTC))
        refused, _ = observe(journal)
        note(journal, [*pending(journal.path, BASE)], "refused", "answered 422", 0)
        waiting, _ = observe(journal)
        note(journal, [*pending(journal.path, BASE)], "pending", "answered 503", 9e9)
        outbox.retry(journal, BASE, refused=False)
        assert [(one.id, one.next_at) for one in pending(journal.path, BASE)] == [(waiting, 0)]
        outbox.retry(journal, BASE, refused=True)
        assert [(one.id, one.next_at) for one in pending(journal.path, BASE)] == [(refused, 0), (waiting, 0)]
        assert next((one.id, one.state) for one in undelivered(journal.path)) == (erased, "refused")


def test_a_month_with_an_event_that_waits_is_kept_and_a_refused_one_is_told_as_erased(tmp_path: Path) -> None:
    def september() -> datetime:
        return datetime(2026, 9, 3, tzinfo=UTC)

    with closing(Journal(tmp_path / "audit.sqlite", RING, clock=september)) as journal:
        call, _ = observe(journal)
        assert journal.erase("2026-10") == []
        note(journal, [*undelivered(journal.path)], "refused", "answered 422", 0)
        assert journal.erase("2026-10") == ["2026-09"]
        (left,) = undelivered(journal.path)
        assert (left.id, left.diagnostics) == (call, "answered 422 (its content was erased since)")
        assert journal.event(call) is None

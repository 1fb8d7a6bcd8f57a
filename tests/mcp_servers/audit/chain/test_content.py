"""What was said: sealed on disk, opened with the key, gone with its month, and wrapped anew by a rotation."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import KeyUnusable
from mcp_servers.audit.chain.head import head_path
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key, Ring
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.delivery.outbox import undelivered

from ..trails import RING, observe, recorder

OTHER = Key(b"o" * 32)
SECRET = "Is Amara Okafor on metformin?"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path, RING)) as opened:
        yield opened


def ask(journal: Journal) -> None:
    call = recorder(journal).act("question", patient="Patient/p1", said={"question": SECRET})
    call.complete("ok", said={"answer": SECRET[::-1]})


def said(path: Path, ring: Ring = RING) -> list[dict[str, Any] | None]:
    with trail.reading(path) as db:
        content = Content(ring)
        return [trail.said(db, content, record) for record in trail.records(path) if "sealed" in record.body]


def files(path: Path) -> bytes:
    """Every byte beside the journal."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())


def test_what_was_said_opens_with_the_key(path: Path, journal: Journal) -> None:
    ask(journal)
    question, answer = said(path)
    assert question == {"question": SECRET}
    assert answer == {"requests": [], "answer": SECRET[::-1]}


def test_nothing_that_was_said_lies_in_plain_text_on_the_disk(path: Path, journal: Journal) -> None:
    ask(journal)
    observe(journal)
    for words in (SECRET, SECRET[::-1], "HbA1c", "4548-4"):
        assert words.encode() not in files(path)
    assert b"Patient/p1" in files(path)


def test_another_key_opens_nothing(path: Path, journal: Journal) -> None:
    ask(journal)
    with pytest.raises(KeyUnusable, match="bring back the key"):
        said(path, [OTHER])


def test_an_erased_month_is_gone_and_the_chain_still_verifies(path: Path, journal: Journal) -> None:
    ask(journal)
    assert journal.erase("9999-01")
    assert said(path) == [None, None]
    assert verify(path).intact
    assert journal.erase("9999-01") == []


def test_who_erased_by_hand_is_on_record(path: Path, journal: Journal) -> None:
    ask(journal)
    journal.erase("9999-01", "it.crowd")
    *_, last = trail.records(path)
    assert (last.kind, last.body["by"]) == ("erasure", "it.crowd")


def test_a_months_key_is_gone_from_the_disk_once_it_is_erased(path: Path, journal: Journal) -> None:
    ask(journal)
    with trail.reading(path) as db:
        (wrapped,) = db.execute("SELECT wrapped FROM content_key").fetchone()
    assert wrapped.encode() in files(path)
    journal.erase("9999-01")
    assert wrapped.encode() not in files(path)


def test_a_month_whose_events_still_wait_is_left(path: Path, journal: Journal) -> None:
    observe(journal)
    assert journal.erase("9999-01") == []
    assert said(path)[0] == {"arguments": {"name": "HbA1c"}}


def test_a_month_whose_events_still_wait_is_erased_where_that_is_meant_and_they_are_not_sent(
    path: Path, journal: Journal
) -> None:
    observe(journal)
    assert journal.erase("9999-01", undelivered=True)
    assert said(path)[0] is None
    (left,) = undelivered(path)
    assert (left.state, left.diagnostics) == ("refused", " (its content was erased since)")
    assert verify(path, [RING[0].public], RING).intact


def test_nothing_is_said_in_a_month_that_was_erased(journal: Journal) -> None:
    ask(journal)
    journal.erase("9999-01")
    with pytest.raises(KeyUnusable, match="is the clock right"):
        ask(journal)


def test_after_a_rotation_the_new_key_alone_opens_and_writes(path: Path, journal: Journal) -> None:
    ask(journal)
    journal.rotate(OTHER)
    ask(journal)
    assert [entry and entry.get("question") for entry in said(path, [OTHER])][::2] == [SECRET, SECRET]
    with pytest.raises(KeyUnusable):
        said(path)
    assert verify(path, [OTHER.public]).intact
    finding = verify(path, [RING[0].public]).finding
    assert finding is not None
    assert finding.why == "it was signed with another key than the one at hand"
    journal.close()
    with pytest.raises(KeyUnusable, match="written with another key"):
        Journal(path, RING)
    with closing(Journal(path, [*RING, OTHER])) as later:
        ask(later)
    assert verify(path).intact


def test_a_process_that_missed_a_rotation_stops_until_it_has_the_new_key(
    path: Path, journal: Journal
) -> None:
    with closing(Journal(path, RING)) as other:
        other.rotate(OTHER)
    with pytest.raises(KeyUnusable, match="start again with the new one"):
        ask(journal)
    assert verify(path).intact


def test_a_journal_put_back_to_before_a_rotation_and_written_on_with_the_old_key_is_found(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        observe(journal)
    new, before = Key(b"n" * 32), (path.read_bytes(), head_path(path).read_bytes())
    with closing(Journal(path, RING)) as journal:
        journal.rotate(new)
        observe(journal)
    ring = [*RING, new]
    assert verify(path, [key.public for key in ring], ring).intact
    path.write_bytes(before[0])
    head_path(path).write_bytes(before[1])
    with closing(Journal(path, RING)) as journal:
        observe(journal)
    found = verify(path, [key.public for key in ring], ring).finding
    assert found is not None
    assert found.what == "truncated"
    assert "before a rotation" in found.why

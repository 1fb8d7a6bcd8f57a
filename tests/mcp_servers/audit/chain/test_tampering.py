"""Whoever may write the journal's files, and lacks its key, changes nothing that goes unfound."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_servers.audit.chain import checkpoint
from mcp_servers.audit.chain.errors import JournalUnavailable
from mcp_servers.audit.chain.head import Head, head_path, sign_head, write_head
from mcp_servers.audit.chain.journal import KEY_PURPOSE, Journal
from mcp_servers.audit.chain.keys import Key, new_content_key, seal
from mcp_servers.audit.chain.merkle import Tree
from mcp_servers.audit.chain.record import GENESIS, chain_hash
from mcp_servers.audit.chain.verify import Finding, verify

from ..trails import RING, observe, recorder
from .test_verify import tamper

THEIRS = Key(b"m" * 32)
NEXT = Key(b"n" * 32)
LAST = 10  # records of the journal that is tampered with
PUBLICS = [RING[0].public, NEXT.public]


@dataclass
class Files:
    """A journal's files, byte by byte."""

    database: bytes
    log: bytes
    head: bytes

    def at(self, folder: str) -> Path:
        """Written out; the journal's path."""
        path = Path(folder) / "audit.sqlite"
        path.write_bytes(self.database)
        if self.log:
            path.with_name("audit.sqlite-wal").write_bytes(self.log)
        head_path(path).write_bytes(self.head)
        return path


def files(path: Path) -> Files:
    log = path.with_name("audit.sqlite-wal")
    return Files(path.read_bytes(), log.read_bytes() if log.exists() else b"", head_path(path).read_bytes())


@cache
def journal_files(*, closed: bool) -> Files:
    """A journal with acts of every sort, an open call, a rotation of the key and a checkpoint; a killed
    process leaves it unclosed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.sqlite"
        with closing(Journal(path, RING)) as journal:
            observe(journal, "s1")
            recorder(journal, "s2").act("question", said={"question": "Last HbA1c?"}).complete("ok")
            journal.write(checkpoint.append)
            recorder(journal, "s3").begin("fhir_read", {"reference": "Observation/o1"}, "Patient/p1")
            journal.rotate(NEXT)
            observe(journal, "s4")
            if not closed:
                return files(path)
        assert len(rows(path)) == LAST
        return files(path)


def found(path: Path) -> Finding:
    """The finding, which there must be; in words that say what sort it is."""
    finding = verify(path, PUBLICS, [*RING, NEXT]).finding
    assert finding is not None
    return finding


def rows(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM record ORDER BY seq")]


def content(path: Path) -> Any:
    """Everything that counts, as SQLite reads it; None when it cannot."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            db.text_factory = bytes
            return [
                db.execute(query).fetchall()
                for query in (
                    "SELECT *, typeof(body) FROM record ORDER BY seq",
                    "SELECT seq, id, session, destination, event FROM outbox ORDER BY seq",
                    "SELECT seq, id FROM open_intent",
                    "SELECT * FROM content_key",
                    "SELECT * FROM head",
                    "SELECT id, destination, resource FROM device ORDER BY id",
                    "SELECT type, name, tbl_name, sql FROM sqlite_schema",
                    "PRAGMA application_id",
                    "PRAGMA user_version",
                )
            ]
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def test_the_journal_that_is_tampered_with_is_intact_before() -> None:
    for closed in (True, False):
        with TemporaryDirectory() as folder:
            state = verify(journal_files(closed=closed).at(folder), PUBLICS, [*RING, NEXT])
            assert (state.finding, state.head_behind, len(state.unknown)) == (None, 0, 1)


# -- Bits. The oracle is what SQLite itself reads from the files: if that changed, verify must say so.


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=200)
@given(st.data())
def test_a_changed_bit_of_the_database_is_found_unless_it_changes_nothing(data: st.DataObject) -> None:
    whole = journal_files(closed=True)
    bit = data.draw(st.integers(0, len(whole.database) * 8 - 1))
    with TemporaryDirectory() as folder, TemporaryDirectory() as other:
        path = Files(flipped(whole.database, bit), b"", whole.head).at(folder)
        if content(path) != content(whole.at(other)):
            of_version = bit // 8 in range(60, 64)  # SQLite's user_version: then it seems to be of another
            assert found(path).what in (("unverified",) if of_version else ("altered", "lost", "truncated"))


@settings(max_examples=100)
@given(st.data())
def test_a_changed_bit_of_the_write_ahead_log_is_found_unless_it_changes_nothing(data: st.DataObject) -> None:
    whole = journal_files(closed=False)
    bit = data.draw(st.integers(0, len(whole.log) * 8 - 1))
    with TemporaryDirectory() as folder, TemporaryDirectory() as other:
        path = Files(whole.database, flipped(whole.log, bit), whole.head).at(folder)
        if content(path) != content(whole.at(other)):
            found(path)


def test_a_head_file_whose_number_became_that_of_no_record_is_found() -> None:
    whole = journal_files(closed=True)
    assert whole.head.startswith(b"00000000000000000010 ")  # one bit from ten to nought
    with TemporaryDirectory() as folder:
        finding = found(Files(whole.database, b"", b"0" * 20 + whole.head[20:]).at(folder))
    assert finding.why == "the head file is not that of a journal that was just begun"


@settings(max_examples=100)
@given(st.data())
def test_any_changed_bit_of_the_head_file_is_found(data: st.DataObject) -> None:
    whole = journal_files(closed=True)
    bit = data.draw(st.integers(0, len(whole.head) * 8 - 1))
    with TemporaryDirectory() as folder:
        finding = found(Files(whole.database, b"", flipped(whole.head, bit)).at(folder))
    assert "head" in finding.why


# -- Records: deleted, in another order, cut off.


@settings(max_examples=60)
@given(st.sets(st.integers(1, LAST), min_size=1))
def test_deleted_records_are_lost_from_the_first_on_or_a_tail_that_is_cut_off(gone: set[int]) -> None:
    with TemporaryDirectory() as folder:
        path = journal_files(closed=True).at(folder)
        tamper(path, f"DELETE FROM record WHERE seq IN ({', '.join(map(str, gone))})")
        finding = found(path)
    tail = gone >= set(range(min(gone), LAST + 1))
    assert (finding.what, finding.seq) == ("truncated" if tail else "lost", min(gone))


@given(st.permutations(range(1, LAST + 1)).filter(lambda order: order != sorted(order)))
@settings(max_examples=60)
def test_records_in_another_order_are_altered(order: list[int]) -> None:
    with TemporaryDirectory() as folder:
        path = journal_files(closed=True).at(folder)
        tamper(
            path,
            "UPDATE record SET seq = -seq",
            *(f"UPDATE record SET seq = {seq} WHERE seq = -{was}" for seq, was in enumerate(order, 1)),
        )
        finding = found(path)
    first = next(seq for seq, was in enumerate(order, 1) if seq != was)
    assert (finding.what, finding.seq) == ("altered", first)


@settings(max_examples=60)
@given(st.data())
def test_a_database_that_was_cut_short_is_lost(data: st.DataObject) -> None:
    whole = journal_files(closed=True)
    size = data.draw(st.integers(0, len(whole.database) - 1))
    with TemporaryDirectory() as folder:
        finding = found(Files(whole.database[:size], b"", whole.head).at(folder))
    assert finding.what in ("lost", "truncated")


@settings(max_examples=60)
@given(st.data())
def test_a_write_ahead_log_that_was_cut_short_is_a_cut_tail(data: st.DataObject) -> None:
    whole = journal_files(closed=False)
    size = data.draw(st.integers(0, len(whole.log) - 1))
    with TemporaryDirectory() as folder, TemporaryDirectory() as other:
        path = Files(whole.database, whole.log[:size], whole.head).at(folder)
        if content(path) != content(
            whole.at(other)
        ):  # else what was cut off was of an earlier turn of the log
            assert found(path).what in ("lost", "truncated")


@pytest.mark.parametrize("back_to", [0, 3, 9])
def test_an_older_head_file_alone_is_told_and_takes_nothing_away(tmp_path: Path, back_to: int) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    digest = rows(path)[back_to - 1]["hash"] if back_to else GENESIS
    with head_path(path).open("r+b") as file:
        write_head(file, sign_head(Head(back_to, digest), RING[0] if back_to < 8 else NEXT))
    state = verify(path, PUBLICS)
    assert (state.intact, state.head_behind) == (True, LAST - back_to)


def test_records_after_an_older_head_cannot_be_written_anew(tmp_path: Path) -> None:
    """Whoever kept a head file of an earlier day holds a signature for that day, and for nothing after it."""
    path = journal_files(closed=True).at(str(tmp_path))
    ninth = rows(path)[8]
    with head_path(path).open("r+b") as file:
        write_head(file, sign_head(Head(9, ninth["hash"]), NEXT))
    rewrite(path, 10, {"body": lambda body: {**body, "patient": "Patient/p2"}})
    finding = found(path)
    assert finding.why == "the last record is not the one that the journal's key signed for"


# -- Forgeries: the whole chain computed anew, with a key of their own.


def rewrite(path: Path, since: int, changes: dict[str, Any], *, signer: Key | None = None) -> None:
    """Compute every record from `since` on anew, with a change to the first, as only a key could stop it.

    With `signer`, keys, checkpoints and heads become that key's.
    """
    records, tree, last = rows(path), Tree(), GENESIS
    statements = []
    for record in records:
        body = json.loads(record["body"])
        if record["seq"] == since:
            body = changes["body"](body)
        if signer and record["kind"] == "key":
            body = {"public": signer.public, "signature": signer.sign(KEY_PURPOSE, signer.public)}
        if signer and record["kind"] == "checkpoint":
            body = checkpoint.body_of(tree, signer)
        if record["seq"] >= since:
            text = rfc8785.dumps(body)
            digest = chain_hash(
                last,
                seq=record["seq"],
                record_id=record["id"],
                session=record["session"],
                kind=record["kind"],
                at=record["at"],
                body=text,
            )
            quoted = text.decode().replace("'", "''")
            statements.append(
                f"UPDATE record SET body = '{quoted}', previous = '{last}', hash = '{digest}'"
                f" WHERE seq = {record['seq']}"
            )
        else:
            digest = record["hash"]
        tree.extend([digest])
        last = digest
    head = Head(len(records), last)
    statements.append(f"UPDATE head SET hash = '{last}'")
    if signer:
        signed = sign_head(head, signer)
        statements.append(f"UPDATE head SET signature = '{signed.signature}'")
        with head_path(path).open("r+b") as file:
            write_head(file, signed)
    tamper(path, *statements)


@given(st.integers(1, LAST))
@settings(max_examples=LAST)
def test_a_chain_that_was_computed_anew_without_the_key_is_found(since: int) -> None:
    with TemporaryDirectory() as folder:
        path = journal_files(closed=True).at(folder)
        rewrite(path, since, {"body": lambda body: {**body, "patient": "Patient/p2"}})
        finding = found(path)
    assert finding.what == "altered"
    assert finding.seq is not None


def test_a_journal_made_anew_with_another_key_verifies_with_that_key_alone(tmp_path: Path) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    rewrite(path, 1, {"body": lambda body: {**body, "patient": "Patient/p2"}}, signer=THEIRS)
    assert verify(path).intact
    assert verify(path).public == THEIRS.public
    assert found(path).why == "it was signed with another key than the one at hand"


@pytest.mark.parametrize("vouched_by", ["their own", "nobody"])
def test_a_key_that_is_brought_in_without_the_one_before_is_found(tmp_path: Path, vouched_by: str) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    signature = THEIRS.sign(KEY_PURPOSE, THEIRS.public) if vouched_by == "their own" else "00" * 64
    rewrite(path, 9, {"body": lambda _: {"public": THEIRS.public, "signature": signature}})
    tamper(path, "UPDATE record SET kind = 'key' WHERE seq = 9")
    rewrite(path, 9, {"body": lambda body: body})
    assert (found(path).seq, "does not vouch for" in found(path).why) == (9, True)


def test_a_forged_rotation_to_the_journals_own_key_is_found(tmp_path: Path) -> None:
    """A chain of their own that ends by bringing in the true key: only that key can sign for its end."""
    path = journal_files(closed=True).at(str(tmp_path))
    (rotation,) = [row["seq"] for row in rows(path) if row["kind"] == "key" and row["seq"] > 1]
    rewrite(path, 1, {"body": lambda body: body}, signer=THEIRS)
    vouched = {"public": NEXT.public, "signature": THEIRS.sign(KEY_PURPOSE, NEXT.public)}
    rewrite(path, rotation, {"body": lambda _: vouched})
    with head_path(path).open("r+b") as file:
        last = rows(path)[-1]
        write_head(file, sign_head(Head(last["seq"], last["hash"]), THEIRS))
    assert found(path).what == "altered"


def test_records_that_were_added_without_the_key_are_found_and_not_gone_on_from(tmp_path: Path) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    last = rows(path)[-1]
    body = rfc8785.dumps({"months": ["2020-01"]})
    digest = chain_hash(
        last["hash"], seq=LAST + 1, record_id="x", session="", kind="erasure", at=last["at"], body=body
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO record VALUES (11, 'x', '', 'erasure', ?, ?, ?, ?)",
            (last["at"], body.decode(), last["hash"], digest),
        )
    finding = found(path)
    assert (finding.what, finding.seq) == ("altered", LAST + 1)
    assert "added without the journal's key" in finding.why
    with pytest.raises(JournalUnavailable, match="record 11, its last, was not signed for"):
        Journal(path, [*RING, NEXT])


# -- What stands beside the records.


def test_sealed_content_that_was_replaced_is_found(tmp_path: Path) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    forged = seal(new_content_key(), "x", b"{}")
    tamper(path, f"UPDATE record SET body = json_set(body, '$.sealed', '{forged}') WHERE seq = 2")
    assert (found(path).what, found(path).seq) == ("altered", 2)


@pytest.mark.parametrize(
    ("statement", "what", "why"),
    [
        ("UPDATE content_key SET wrapped = '{forged}'", "altered", "is not as it was"),
        ("UPDATE content_key SET wrapped = NULL", "lost", "was erased, and no record says so"),
        ("DELETE FROM content_key", "lost", "is gone"),
        ("UPDATE content_key SET month = '2001-01'", "lost", "is gone"),
        ("DELETE FROM open_intent", "altered", "what is open is not"),
        ("UPDATE open_intent SET id = 'another'", "altered", "what is open is not"),
        ("INSERT INTO open_intent VALUES (2, 'another', 'w')", "altered", "what is open is not"),
        ("UPDATE device SET resource = '{{}}'", "altered", "is not as it was written"),
        ("UPDATE device SET destination = 'http://evil.example'", "lost", "is gone"),
        ("DELETE FROM device", "lost", "is gone"),
        ("INSERT INTO device VALUES ('another', 'somewhere', '{{}}', 0)", "altered", "no record brought in"),
        ("DELETE FROM head", "altered", "added without the journal's key"),
        ("UPDATE head SET seq = 99", "truncated", "knows of record 99"),
        ("UPDATE head SET signature = hash || hash", "altered", "signed for"),
        ("DELETE FROM outbox WHERE seq = 3", "lost", "gone"),
        ("UPDATE outbox SET session = 's9' WHERE seq = 3", "altered", "goes elsewhere"),
    ],
)
def test_a_change_beside_the_records_is_found(tmp_path: Path, statement: str, what: str, why: str) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    tamper(path, statement.format(forged=THEIRS.wrap("2026-11", new_content_key())))
    assert (found(path).what, why in found(path).why) == (what, True)


def test_events_that_were_swapped_between_calls_are_found(tmp_path: Path) -> None:
    path = journal_files(closed=True).at(str(tmp_path))
    with closing(sqlite3.connect(path)) as db:
        (first, one), (second, other) = db.execute(
            "SELECT id, event FROM outbox ORDER BY position"
        ).fetchall()
    tamper(
        path,
        f"UPDATE outbox SET event = '{other}' WHERE id = '{first}'",
        f"UPDATE outbox SET event = '{one}' WHERE id = '{second}'",
    )
    assert (found(path).what, found(path).seq) == ("altered", 3)


def test_what_was_erased_and_has_a_key_again_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        recorder(journal).act("question", said={"question": "Last HbA1c?"}).complete("ok")
        with closing(sqlite3.connect(path)) as db:
            ((month, wrapped),) = db.execute("SELECT * FROM content_key").fetchall()
        assert journal.erase("9999-01") == [month]
    assert verify(path, ring=RING).intact
    tamper(path, f"UPDATE content_key SET wrapped = '{wrapped}'")
    assert "was erased, and has a key again" in found(path).why


def test_an_older_state_of_all_files_is_whole_in_itself(tmp_path: Path) -> None:
    """Only the FHIR store tells: see `test_stored`."""
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        observe(journal)
    shutil.copytree(
        tmp_path, tmp_path / "before", dirs_exist_ok=True, ignore=shutil.ignore_patterns("before")
    )
    with closing(Journal(path, RING)) as journal:
        observe(journal)
    assert verify(tmp_path / "before" / "audit.sqlite", PUBLICS, RING).intact

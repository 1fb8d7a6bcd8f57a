"""An export proves itself to whoever has the public key, and names its first bad line."""

import json
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.audit.asking.acts import Sought
from mcp_servers.audit.asking.export import PURPOSE, check, exported
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.identity import Identity

from ..trails import RING, observe

PUBLICS = [RING[0].public]
OFFICER = Identity("privacy", "HCOMPL", "setting")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "audit.sqlite", RING)) as journal:
        for session in ("s1", "s2", "s3"):
            observe(journal, session)
            observe(journal, session, "Patient/p2")
        yield journal


def export(journal: Journal, content: Content | None = None, **sought: Any) -> list[bytes]:
    return list(exported(journal, Sought(**sought), OFFICER, content))


def test_an_export_holds_the_records_that_were_asked_for_and_checks(journal: Journal) -> None:
    lines = export(journal, Content(RING), patient="Patient/p2")
    first, *records, last = [json.loads(line)["line"] for line in lines]
    assert (first["made_by"], first["sought"]) == ("privacy", {"patient": "Patient/p2"})
    assert [one["record"]["kind"] for one in records] == ["intent", "completion"] * 3
    assert records[0]["said"] == {"arguments": {"name": "HbA1c"}}
    assert last["records"] == 6
    assert check(lines, PUBLICS) == check(iter(lines), PUBLICS)
    assert (check(lines, PUBLICS).records, check(lines, PUBLICS).fault) == (6, None)


def test_an_export_may_leave_what_was_said_sealed(journal: Journal) -> None:
    lines = export(journal)
    assert b"HbA1c" not in b"".join(lines)
    assert json.loads(lines[1])["line"]["content"] == "sealed"
    assert check(lines, PUBLICS).fault is None


def test_the_journal_still_verifies_after_an_export_and_later_ones_check_too(journal: Journal) -> None:
    early = export(journal)
    journal.rotate(Key(b"n" * 32))
    observe(journal, "s4")
    late = export(journal, session="s4")
    assert verify(journal.path).intact
    assert check(early, PUBLICS).fault is None
    assert "another key" in str(check(late, PUBLICS).fault)
    assert check(late, [Key(b"n" * 32).public]).fault is None


def test_an_export_without_records_says_so(journal: Journal) -> None:
    lines = export(journal, user="nobody")
    assert len(lines) == 2
    assert check(lines, PUBLICS) == check(lines, [*PUBLICS, "no key"])
    assert check(lines, PUBLICS).records == 0


@cache
def exported_once() -> list[bytes]:
    with TemporaryDirectory() as folder, closing(Journal(Path(folder) / "audit.sqlite", RING)) as journal:
        observe(journal)
        return export(journal, Content(RING))


@given(st.data())
def test_any_change_of_a_byte_is_found_at_its_line(data: st.DataObject) -> None:
    lines = list(exported_once())
    number = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[number]) - 1))
    byte = data.draw(st.integers(1, 255))
    changed = bytearray(lines[number])
    changed[at] ^= byte
    lines[number] = bytes(changed)
    assert check(lines, PUBLICS).line == number + 1


def test_lines_that_are_gone_moved_doubled_or_of_another_export_are_found(journal: Journal) -> None:
    lines, other = export(journal), export(journal)
    assert check([*lines[:2], *lines[3:]], PUBLICS).line == 3
    assert check([lines[0], lines[2], lines[1], *lines[3:]], PUBLICS).line == 2
    assert check([*lines[:2], *lines[1:]], PUBLICS).line == 3
    assert check([lines[0], *other[1:]], PUBLICS).line == 2
    assert "ends too early" in str(check(lines[:-1], PUBLICS).fault)
    assert check([*lines, lines[-1]], PUBLICS).line == len(lines) + 1
    assert "ends too early" in str(check([], PUBLICS).fault)


def test_what_is_no_export_is_told_at_its_first_line() -> None:
    assert check([b"seq,id\n", b"1,2\n"], PUBLICS).line == 1
    assert check([b"\xff\n"], PUBLICS).line == 1


def test_a_record_signed_with_the_key_that_the_checkpoint_does_not_cover_is_found(journal: Journal) -> None:
    """Whoever held the key could sign any line; the checkpoint tells which records were there."""
    lines = export(journal)
    forged = json.loads(lines[1])["line"]
    forged["record"]["body"]["user"] = "dr.nobody"
    assert check([lines[0], _signed(forged), *lines[2:]], PUBLICS).line == 2
    moved = json.loads(lines[1])["line"]
    moved["proof"] = moved["proof"][1:]
    assert "not among those" in str(check([lines[0], _signed(moved), *lines[2:]], PUBLICS).fault)


def _signed(line: dict[str, object]) -> bytes:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    return f'{{"signature":"{RING[0].sign(PURPOSE, text)}","line":{text}}}\n'.encode()

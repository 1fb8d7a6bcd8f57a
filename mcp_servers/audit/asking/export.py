"""Exports of the trail that prove themselves: JSON lines, each signed, each record with its Merkle proof.

The first line holds the checkpoint that was signed for the export; then comes a line for each record, and a
last one with their number. Whoever has the public key, and nothing else, can check that each record stands in
the journal as it stands here (its hash, and the path from it to the checkpoint's root), and that no line was
changed, left out or added since.
"""

import json
import re
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import rfc8785

from mcp_servers.audit.asking.acts import Sought, acts, said_of
from mcp_servers.audit.chain import checkpoint, trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key, signed
from mcp_servers.audit.chain.merkle import Levels, root_of_proof
from mcp_servers.audit.chain.record import chain_hash
from mcp_servers.audit.identity import Identity

FORMAT = "ehr-navigator audit export 1"
PURPOSE = "export"


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """How many records of an export are as they were; `line` (from 1) is the first bad one, and why."""

    records: int
    line: int = 0
    fault: str | None = None


def exported(journal: Journal, sought: Sought, by: Identity, content: Content | None) -> Iterator[bytes]:
    """The lines of an export of the acts that are `sought`; without `content` what was said stays sealed.

    Signs a checkpoint for it first. Raises JournalUnavailable.
    """
    mark, key = journal.write(lambda write: (checkpoint.append(write), write.key))
    export, size = str(uuid.uuid4()), mark.body["size"]
    yield _line(
        key,
        {
            "format": FORMAT,
            "export": export,
            "made_at": mark.at,
            "made_by": by.user,
            "purpose_of_use": by.purpose_of_use,
            "sought": {name: value for name, value in asdict(sought).items() if value},
            "checkpoint": asdict(mark),
        },
    )
    number = 1
    with trail.reading(journal.path) as db:
        hashes = db.execute("SELECT hash FROM record WHERE seq <= ? ORDER BY seq", (size,))
        tree = Levels(digest for (digest,) in hashes)
        for act in acts(db, replace(sought, before=min(sought.before or size + 1, size + 1))):
            for record in filter(None, (act.intent, act.completion)):
                said, why = said_of(db, record, content)
                number += 1
                yield _line(
                    key,
                    {
                        "export": export,
                        "line": number,
                        "record": asdict(record),
                        "content": why,
                        "said": said,
                        "proof": tree.proof(record.seq - 1),
                    },
                )
    yield _line(key, {"export": export, "line": number + 1, "records": number - 1})


def check(lines: Iterable[bytes], publics: Collection[str]) -> ExportCheck:
    """Whether an export is as it was made, by a journal with one of these public keys (hex)."""
    first: dict[str, Any] | None = None
    number = records = 0
    ended = False
    for number, raw in enumerate(lines, 1):
        try:
            line = _signed_line(raw, publics)
            if ended:
                return ExportCheck(records, number, "it comes after the last line")
            if first is None:
                first, fault = line, _first_fault(line, publics)
            elif (line["export"], line["line"]) != (first["export"], number):
                fault = "it is not the line that was here: lines were left out, moved or added"
            elif ended := "records" in line:
                fault = None if line["records"] == records else "it tells of another number of records"
            else:
                fault = _record_fault(line, first["checkpoint"]["body"])
                records += not fault
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            fault = str(error) if isinstance(error, _Unsigned) else "it is no line of an export"
        if fault:
            return ExportCheck(records, number, fault)
    return ExportCheck(records) if ended else ExportCheck(records, number + 1, "the export ends too early")


class _Unsigned(ValueError):
    """A line that none of the keys signed."""


def _line(key: Key, content: dict[str, Any]) -> bytes:
    """A line, signed as it stands, byte for byte."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f'{{"signature":"{key.sign(PURPOSE, text)}","line":{text}}}\n'.encode()


def _signed_line(raw: bytes, publics: Collection[str]) -> dict[str, Any]:
    """What a line holds. Raises ValueError where it was not signed so."""
    found = re.fullmatch(r'\{"signature":"([0-9a-f]{128})","line":(\{.*\})\}\n', raw.decode())
    if not found:
        raise ValueError
    if not any(signed(public, found[1], PURPOSE, found[2]) for public in publics):
        raise _Unsigned("it was changed, or signed with another key")
    line: dict[str, Any] = json.loads(found[2])
    return line


def _first_fault(line: dict[str, Any], publics: Collection[str]) -> str | None:
    """Why an export cannot begin so."""
    body = line["checkpoint"]["body"]
    if line["format"] != FORMAT:
        return "it is of another format, or not the first line"
    if not any(
        signed(public, body["signature"], checkpoint.PURPOSE, body["size"], body["root"])
        for public in publics
    ):
        return "its checkpoint was signed with another key"
    return None


def _record_fault(line: dict[str, Any], mark: dict[str, Any]) -> str | None:
    """Why the record of a line is none that the checkpoint signs for."""
    record = line["record"]
    expected = chain_hash(
        record["previous"],
        seq=record["seq"],
        record_id=record["id"],
        session=record["session"],
        kind=record["kind"],
        at=record["at"],
        body=rfc8785.dumps(record["body"]),
    )
    if record["hash"] != expected:
        return "its record is not what its hash was taken of"
    if root_of_proof(expected, record["seq"] - 1, mark["size"], line["proof"]) != mark["root"]:
        return "its record is not among those of the checkpoint"
    return None

"""An accounting of disclosures (45 CFR 164.528): who received what of a patient's records, and who read them.

A disclosure is what went out of the building: its date, who received it and where, what it was, what for.
The law asks for these alone; the accesses inside are listed beside them, as patients and privacy officers ask
for both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from agent.purposes import PURPOSES
from agent.replay import model_of
from agent.spreadsheets import csv_lines

COLUMNS = (
    "date", "kind", "received_by", "person", "purpose", "what", "outcome", "model", "program",
    "left_the_building", "session", "id",
)  # fmt: skip
# A question or a model's step reads nothing: what is read is a tool call, what is sent an escalation.
_NO_ACCESS = ("question", "model_step", "sign_in")
_HEADINGS = {
    "date": "Date (UTC)", "received_by": "Received by", "person": "Person", "purpose": "Purpose",
    "what": "What", "outcome": "Outcome", "model": "Model", "left_the_building": "Left the building",
    "session": "Session",
}  # fmt: skip
_OF_DISCLOSURES = ("date", "received_by", "what", "purpose", "person", "outcome")
_OF_ACCESSES = ("date", "person", "purpose", "what", "model", "outcome", "left_the_building", "session")


def entries(acts: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What each act (as `mcp_servers.audit.asking.acts.opened` gives it) was to the patient, by COLUMNS."""
    found = [(act["at"], act["seq"], act) for act in acts if act["act"] not in _NO_ACCESS]
    return [_entry(act) for _, _, act in sorted(found, key=lambda one: one[:2])]


def as_csv(found: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The entries for a spreadsheet."""
    return csv_lines(COLUMNS, found)


def as_page(found: list[dict[str, str]], *, patient: str, period: str, made: str, by: str) -> str:
    """The entries as one HTML page that needs nothing else."""
    disclosures = [one for one in found if one["kind"] == "disclosure"]
    text = (files("agent") / "templates" / "accounting.html").read_text(encoding="utf-8")
    return Template(text).substitute(
        patient=escape(patient),
        period=escape(period),
        made=escape(made),
        by=escape(by),
        disclosures=_table(_OF_DISCLOSURES, disclosures, "Nothing left the building."),
        accesses=_table(_OF_ACCESSES, found, "No access is on record."),
    )


def _entry(act: Mapping[str, Any]) -> dict[str, str]:
    left = act["left_the_building"]
    received = str(act.get("recipient") or model_of(act) or "a hosted model") if left else ""
    other = act["act"] == "tool_call" and not act["own_client"]
    return {
        "date": act["at"],
        "kind": "disclosure" if left else "access",
        "received_by": received,
        "person": act["user"],
        "purpose": f"{act['purpose_of_use']} {PURPOSES.get(act['purpose_of_use'], '')}".strip(),
        "what": _what(act),
        "outcome": act["outcome"],
        "model": model_of(act),
        "program": act["server"],
        "left_the_building": "yes" if left else "not known: read by a program of others" if other else "no",
        "session": act["session"],
        "id": act["id"],
    }


def _what(act: Mapping[str, Any]) -> str:
    """The act in words that hold nothing of what the records say."""
    kinds = Counter(ref.partition("/")[0] for ref in act.get("refs") or ())
    records = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    if act["act"] == "tool_call":
        return f"{act['tool']}: {records or 'no record'}"
    told = str(act["act"]).replace("_", " ")
    size = f"{act['bytes']} bytes" if act.get("bytes") else ""
    sent = " and ".join(act.get("data_classes") or ())
    freed = "without what identifies" if sent and act.get("policy") == "deidentified" else ""
    return ": ".join(filter(None, (told, str(act.get("tool") or ""), sent, freed, size, records)))


def _table(columns: tuple[str, ...], rows: list[dict[str, str]], none: str) -> str:
    if not rows:
        return f"<p>{escape(none)}</p>"
    head = "".join(f'<th scope="col">{escape(_HEADINGS[column])}</th>' for column in columns)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{escape(row[column])}</td>' for column in columns)}</tr>" for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"

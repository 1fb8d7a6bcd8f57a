"""Medication records as answers tell them: which are of a drug, how each stands, and one in words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.intent import Asked
from agent.models.offline.wording import Draft, cite, day, inline, name, refs_of

# What questions call medications.
NOUNS = ("medication", "med", "medicine", "drug", "prescription")
PLANNED = ("proposal", "plan", "option")
GIVEN = ("administration", "dispense")
# Neither taken nor meant to be.
NEVER = ("draft", "cancelled", "not-taken", "not-done", "declined")
UNREAD = "Other records are still to be read."
_JOINT = " or "
_LONGEST_TEXT = 200  # that the chart tools take
# "Metformin 500 MG Oral Tablet [Glucophage]": what other records of the same may lack.
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\]]*\])")


@dataclass(frozen=True)
class Recorded:
    """What the chart holds of a drug or class that was asked about, in the words of the question (`told`).

    `rows` are its records, newest first; `read` is the call that brought them, `now_on` the references of all
    that is current.
    """

    concept: Concept
    told: str
    rows: list[Row]
    read: Found
    now_on: set[str]


def item(row: Row, *, why: bool = False) -> str:
    """Name and dose; then its standing and since when, and what else must be said of it."""
    dose = f", {inline(row['dose'])}" if "dose" in row else ""
    status = row.get("status", "unknown")
    standing = "status unknown" if status == "unknown" else status
    dated = f" of {day(row['date'])}" if "date" in row else ""
    said = [f"{standing} {row.get('source', 'record')}{dated}"]
    if row.get("do_not_perform"):
        said.append("an order not to give it")
    if "intent" in row and row["intent"] != "order":
        said.append(f"intent {row['intent']}")
    if "end" in row:
        said.append(f"until {day(row['end'])}")
    if "status_reason" in row:
        said.append(f"because {inline(row['status_reason'])}")
    if why and "reason" in row:
        said.append(f"reason: {inline(row['reason'])}")
    return f"{name(row)}{dose} ({', '.join(said)}) {cite(refs_of([row]))}"


def both(asked: Asked) -> tuple[Found, set[str]]:
    """All medication records, newest first, and the references of the current ones."""
    current, every = asked.chart.fetch_all([records("medications", status="current"), records("medications")])
    return every, {row["ref"] for row in current.rows}


def searched(concept: Concept) -> dict[str, str]:
    """By what argument the chart tools find the records of a drug, or of a class.

    Of a class every name is asked for, as far as there is room: what it means finds its drugs, its words what
    is called by them alone ("ICS/LABA inhaler").
    """
    if not concept.members:
        return {"text": _ASIDE.sub("", concept.name)}
    asked = [concept.names[0]]
    for stems in sorted(concept.names, key=len):
        room = len(_JOINT.join(map(" ".join, [*asked, stems]))) <= _LONGEST_TEXT
        if room and not any(set(stems).issuperset(one) for one in asked):
            asked.append(stems)
    return {"text": _JOINT.join(map(" ".join, asked))}


def recorded(asked: Asked) -> list[Recorded]:
    """The records of each drug or class that the question names."""
    named = asked.named("drug")
    texts = [searched(one).get("text", "") for one, _ in named]
    calls = {
        text: records("medications", **searched(one)) for (one, _), text in zip(named, texts, strict=True)
    }
    current, *found = asked.chart.fetch_all([records("medications", status="current"), *calls.values()])
    by_text = dict(zip(calls, found, strict=True))
    now_on = {row["ref"] for row in current.rows}
    return [
        Recorded(one, told, of_drug(one, _with(current.rows, by_text[text].rows)), by_text[text], now_on)
        for (one, told), text in zip(named, texts, strict=True)
    ]


def _with(current: list[Row], rows: list[Row]) -> list[Row]:
    """Both, newest first: of a list that could not be read to its end, what is current is still told."""
    known = {row["ref"] for row in rows}
    others = [row for row in current if row["ref"] not in known]
    return (
        sorted([*rows, *others], key=lambda row: str(row.get("date", "")), reverse=True) if others else rows
    )


def part_read(drug: Recorded) -> Draft:
    """What stands for an answer that needs every record, where not every one could be read."""
    text = f"Other records of {drug.told} are still to be read; the newest so far: {item(drug.rows[0])}."
    return Draft(text, refs_of(drug.rows[:1]), "needs_review")


def of_drug(concept: Concept, rows: Iterable[Row]) -> list[Row]:
    """The records of a drug, or of the drugs of a class."""
    return [row for row in rows if concept.in_any_order(stems_of_record(row.get("name")))]


def drugs_in(asked: Asked, row: Row) -> frozenset[str]:
    """The drugs of the dictionary that the record's name holds; the name itself where it holds none."""
    stems = stems_of_record(row.get("name"))
    found = {
        kinds["drug"].name
        for size in range(1, 5)
        for at in range(len(stems) - size + 1)
        if "drug" in (kinds := asked.lexicon.concepts.get(stems[at : at + size], {}))
        and not kinds["drug"].members
    }
    return frozenset(found or {name(row).casefold()})


def standing(row: Row, now_on: set[str]) -> str:
    """How a record stands: yes (current), against, given, proposed, on_hold or stopped."""
    if row.get("do_not_perform"):
        return "against"
    if row["ref"] in now_on:
        return "yes"
    if row.get("source") in GIVEN:
        return "given"
    if row.get("intent") in PLANNED or row.get("status") == "draft":
        return "proposed"
    return "on_hold" if row.get("status") == "on-hold" else "stopped"


def was_in_force(row: Row) -> bool:
    """Whether an order or statement was in force at some time; administrations are another matter."""
    return (
        row.get("source") not in GIVEN
        and not row.get("do_not_perform")
        and row.get("intent") not in PLANNED
        and row.get("status") not in NEVER
    )

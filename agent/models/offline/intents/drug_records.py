"""Medication records as answers tell them: which are of a drug, how each stands, and one in words."""

from collections.abc import Iterable

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.intent import Asked
from agent.models.offline.wording import cite, day, inline, name, refs_of

# What questions call medications.
NOUNS = ("medication", "med", "medicine", "drug", "prescription")
PLANNED = ("proposal", "plan", "option")
GIVEN = ("administration", "dispense")
# Neither taken nor meant to be.
NEVER = ("draft", "cancelled", "not-taken", "not-done", "declined")


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

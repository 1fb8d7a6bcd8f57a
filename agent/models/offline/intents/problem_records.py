"""Problem records as answers tell them: which are of a condition, how each stands, and one in words."""

from collections.abc import Iterable

from agent.models.offline.chart import Row
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.intent import Asked
from agent.models.offline.wording import cite, day, is_later, name, refs_of

ACTIVE = ("active", "recurrence", "relapse", "unknown")
UNCONFIRMED = ("provisional", "differential", "unconfirmed")


def item(row: Row) -> str:
    """The name with its status, onset (or when it was recorded), end, and how certain it is."""
    said = [row.get("status", "status unknown")]
    if "onset" in row:
        said.append(f"onset {day(row['onset'])}")
    elif "recorded" in row:
        said.append(f"recorded {day(row['recorded'])}")
    if "abated" in row:
        said.append(f"ended {day(row['abated'])}")
    if row.get("verification") not in (None, "confirmed"):
        said.append(str(row["verification"]))
    return f"{name(row)} ({', '.join(said)}) {cite(refs_of([row]))}"


def groups_of(asked: Asked, concept: Concept, rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The records of a condition (or of the kinds of it) by how they stand: yes, unconfirmed, resolved,
    refuted, later (dated after now), or related (the name holds the condition, and says another thing)."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        place = concept.in_order(stems_of_record(row.get("name")))
        if place:
            groups.setdefault(_standing(asked, row, place), []).append(row)
    return groups


def _standing(asked: Asked, row: Row, place: tuple[int, int]) -> str:
    stems = stems_of_record(row.get("name"))
    start, end = place
    before, after = asked.lexicon.qualifiers["before"], asked.lexicon.qualifiers["after"]
    if row.get("verification") == "refuted":
        return "refuted"
    if is_later(row, asked.now):
        return "later"
    if before.intersection(stems[:start]) or after.intersection(stems[end:]):
        return "related"
    if row.get("status") not in ACTIVE or "abated" in row:
        return "resolved"
    return "unconfirmed" if row.get("verification") in UNCONFIRMED else "yes"


def had(row: Row) -> bool:
    """Whether a record says that the patient had it at some time."""
    return row.get("verification") != "refuted"

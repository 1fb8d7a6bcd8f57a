"""Allergy records as answers tell them: one in words, and which of them are asked for."""

from agent.models.offline.chart import Row
from agent.models.offline.wording import cite, day, inline, name, refs_of

CURRENT = ("active", "unknown")
NOUN = "recorded allergy"


def item(row: Row) -> str:
    """The substance with its status, reaction, criticality, certainty, kind and onset."""
    said = [str(row.get("status", "status unknown"))]
    said += [f"reaction: {inline(row['reaction'])}"] if "reaction" in row else []
    said += [f"criticality {row['criticality']}"] if row.get("criticality") in ("low", "high") else []
    said += [str(row["verification"])] if row.get("verification") not in (None, "confirmed") else []
    said += ["an intolerance"] if row.get("type") == "intolerance" else []
    said += [f"onset {day(row['onset'])}"] if "onset" in row else []
    said += [f"last occurrence {day(row['last_occurrence'])}"] if "last_occurrence" in row else []
    return f"{name(row)} ({', '.join(said)}) {cite(refs_of([row]))}"


def standing(row: Row) -> str:
    """How a record stands: yes, inactive or refuted."""
    if row.get("verification") == "refuted":
        return "refuted"
    return "yes" if row.get("status") in CURRENT else "inactive"

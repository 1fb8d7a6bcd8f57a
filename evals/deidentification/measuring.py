"""How much of what identifies is taken out of notes, and how much else with it.

The notes were written by somebody who did not see the rules. A note goes to the product as a passage that a
tool brought; what comes out is compared with its marks, not with what the product says that it replaced.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from agent.egress.deidentification import Deidentifier, Identifiers
from agent.hosting import rendered
from agent.messages import QuestionMessage, ResultsMessage, SystemMessage, ToolResult
from evals.deidentification.notes import Note

SECRET = b"the same for every run of it"
PATIENT = "Patient/p"
NOW = "2026-11-01"
_WORDS = re.compile(r"\w+|[^\w\s]|\s+")


@dataclass
class Measured:
    """Counts over notes: of marked places by class, of words to be kept, and of places that were changed."""

    marked: Counter[str] = field(default_factory=Counter)
    leaked: Counter[str] = field(default_factory=Counter)
    keeps: int = 0
    lost: int = 0
    changed: int = 0
    changed_rightly: int = 0
    leaks: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of marked places that are gone."""
        return 1 - self.leaked.total() / self.marked.total()

    @property
    def precision(self) -> float:
        """The share of changed places that were marked."""
        return self.changed_rightly / self.changed if self.changed else 1.0

    @property
    def kept(self) -> float:
        """The share of words to be kept that are."""
        return 1 - self.lost / self.keeps


def measure(notes: Iterable[Note]) -> Measured:
    """De-identify each note in a session of its own, and hold it against its marks."""
    found = Measured()
    for note in notes:
        _compare(note, deidentified(note), found)
    return found


def deidentified(note: Note) -> str:
    """A note's text as a hosted model would get it."""
    row = {"ref": "DocumentReference/d", "date": "2026-10-01", "passage": note.text}
    data: dict[str, Any] = {
        "finding": "recorded", "rows": [row], "total": 1, "returned": 1, "truncated": False, "cursor": None,
        "notes": [], "as_of": f"{NOW}T12:00:00+00:00",
    }  # fmt: skip
    deidentifier = Deidentifier(Identifiers.of(chart_of(note)), SECRET, PATIENT, rendered)
    told = deidentifier.messages(
        [
            SystemMessage(text="", patient=PATIENT, now=NOW),
            QuestionMessage(text="What does the note say?"),
            ResultsMessage(
                results=(ToolResult(tool="search_notes", arguments={}, text=rendered(data), data=data),)
            ),
        ]
    )
    (last,) = (message for message in told if isinstance(message, ResultsMessage))
    (result,) = last.results
    assert result.data
    return str(result.data["rows"][0]["passage"])


def chart_of(note: Note) -> list[dict[str, Any]]:
    """What the structured chart knows of a note's patient, as FHIR."""
    chart = note.chart
    telecom = [{"system": "phone", "value": phone} for phone in chart.phones]
    telecom += [{"system": "email", "value": email} for email in chart.emails]
    numbers = [{"value": value} for value in (*chart.mrns, *chart.identifiers)]
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "name": [_name(chart.name)],
        "birthDate": chart.birth_date,
        "identifier": numbers,
        "telecom": telecom,
        "address": [{"text": ", ".join(chart.address), "line": list(chart.address)}] if chart.address else [],
    }
    kinds = {"Practitioner": chart.practitioners, "RelatedPerson": chart.relatives}
    people = [
        {"resourceType": kind, "id": f"{kind.lower()}-{number}", "name": [_name(name)]}
        for kind, names in kinds.items()
        for number, name in enumerate(names)
    ]
    places = [
        {"resourceType": "Organization", "id": f"organization-{number}", "name": name}
        for number, name in enumerate(chart.organisations)
    ]
    return [patient, *people, *places]


def _name(text: str) -> dict[str, Any]:
    """A FHIR HumanName of a name as it is written."""
    *given, family = text.partition(",")[0].split()
    return {"text": text, "family": family, "given": given}


def _compare(note: Note, out: str, found: Measured) -> None:
    for text in {mark.text for mark in note.identifiers}:
        marks = [mark for mark in note.identifiers if mark.text == text]
        leaked = max(0, _count(text, out) - (_count(text, note.text) - len(marks)))
        found.marked[marks[0].kind] += len(marks)
        if leaked := min(leaked, len(marks)):
            found.leaked[marks[0].kind] += leaked
            known = "in the chart" if marks[0].in_chart else "not in the chart"
            found.leaks.append(f"{note.id}: {marks[0].kind} ({known}): {text}")
    for part in note.keep:
        found.keeps += 1
        if part not in out:
            found.lost += 1
            found.losses.append(f"{note.id}: {part}")
    for start, end in _changes(note.text, out):
        found.changed += 1
        found.changed_rightly += any(mark.start < end and start < mark.end for mark in note.identifiers)


def _count(text: str, within: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(text)}(?!\w)", within))


def _changes(before: str, after: str) -> Iterable[tuple[int, int]]:
    """Where a text was changed: start and end of each place, in the text before."""
    words = list(_WORDS.finditer(before))
    others = _WORDS.findall(after)
    matcher = SequenceMatcher(None, [word.group() for word in words], others, autojunk=False)
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind in ("replace", "delete") and any(word.group().strip() for word in words[start:end]):
            yield words[start].start(), words[end - 1].end()


def report(found: Measured) -> str:
    """A line a class, and the whole."""
    lines = [f"{'class':<16}{'marked':>8}{'gone':>8}{'recall':>9}"]
    for kind, marked in found.marked.most_common():
        gone = marked - found.leaked[kind]
        lines.append(f"{kind:<16}{marked:>8}{gone:>8}{gone / marked:>9.3f}")
    total = found.marked.total()
    lines.append(f"{'all':<16}{total:>8}{total - found.leaked.total():>8}{found.recall:>9.3f}")
    changed = f"of {found.changed} places changed {found.changed_rightly} were marked"
    stayed = f"of {found.keeps} medical words and values {found.keeps - found.lost} stayed"
    lines += [f"precision {found.precision:.3f}: {changed}", f"kept {found.kept:.3f}: {stayed}"]
    return "\n".join(lines)

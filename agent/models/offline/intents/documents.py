"""Questions about notes and reports by their type: the last, the list, how many, and the text of one."""

import re

from agent.messages import Action
from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted
from agent.models.offline.reading import Reading
from agent.models.offline.wording import (
    LONGEST_LIST,
    Draft,
    cite,
    day,
    inline,
    is_later,
    name,
    noted,
    plural,
    refs_of,
    when,
)

CUES = {
    "note": (
        "note", "document", "documentation", "clinical note", "clinical document", "letter", "chart note",
        "doctor note", "doctor s note", "physician note", "provider note", "written note", "free text note",
        "search note", "search the note", "search her note", "search his note", "search all note",
        "search through the note", "look through the note", "look in the note",
    ),
    "report": (
        "report", "diagnostic report", "written report", "official report", "formal report", "lab report",
        "per the report", "per report", "in the report", "according to the report", "on the report",
        "write up",
    ),
    "discharge_summary": (
        "discharge summary", "dc summary", "d c summary", "discharge note", "discharge letter",
        "discharge document", "hospital discharge summary", "discharge paperwork", "d c letter", "dc note",
        "dc letter", "discharge report", "discharge paper", "epicrisis", "hospital discharge letter",
        "discharge documentation", "discharge sum", "dc paperwork", "d c note", "discharge write up",
    ),
    "progress_note": (
        "progress note", "soap note", "follow up note", "daily note", "progress documentation",
        "rounding note", "ward note", "clinic progress note", "clinic note", "office note", "outpatient note",
        "outpatient progress note", "visit note", "soap", "daily progress note", "physician progress note",
        "progress entry", "soap documentation", "encounter note", "clinic visit note", "evolution note",
        "course note", "follow up documentation",
    ),
    "admission_note": (
        "history and physical", "h and p", "h p", "hp", "history and physical note", "h and p note",
        "admission note", "admission history and physical", "admission h and p", "admission hp", "admit note",
        "clerking", "admission clerking", "history and physical exam", "history and physical examination",
        "intake history and physical", "intake h and p", "admission documentation", "admission assessment",
        "history and physical report", "admission h p", "initial history and physical", "clerking note",
    ),
    "consult_note": (
        "consult note", "consultation note", "consult letter", "consult report", "specialist letter",
    ),
    "operative_note": (
        "operative note", "op note", "operative report", "operation note", "surgical note", "op report",
        "surgery note", "operation report",
    ),
    "nursing_note": ("nursing note", "nurse note", "nurse s note", "nurses note", "nurses notes"),
    "emergency_note": (
        "ed note", "er note", "emergency note", "emergency department note", "triage note",
        "emergency room note", "triage", "ed triage note", "er triage note", "ed triage", "er triage",
        "triage assessment", "triage documentation", "triage record", "nurse triage note", "triage report",
        "emergency triage note", "triage sheet", "triage nurse note", "nursing triage note", "triage entry",
        "emergency medicine note", "emergency department triage note", "emergency room triage note",

    ),
    "imaging_report": (
        "radiology report", "imaging report", "radiology", "radiology result", "imaging result",
    ),
    "pathology_report": ("pathology report", "path report", "pathology", "biopsy result", "histology report"),
    "culture_report": ("culture", "culture report", "culture result", "microbiology", "microbiology report"),
    "written": ("written", "signed", "authored", "dictated"),
    "opened": (
        "read", "text of", "full text of", "content of", "say", "said", "conclude", "conclusion of",
        "conclusion", "finding of", "finding", "impression", "impression of", "wording of",
        "conclusion off", "conclusion from", "impression off", "impression from", "finding off",
        "finding from", "bottom line", "bottom line of", "in its conclusion", "its conclusion",
        "interpretation", "interpretation of", "interpretation written in", "concluding statement",
        "concluding remark", "conclusive statement", "closing statement", "interpretation given in",
        "concluding sentence", "summary statement", "its impression", "in the conclusion",
        "conclusion line", "impression line", "in the impression", "bottom line per", "takeaway",
        "take away", "takeaway from", "concluded", "concludes", "conclude about", "summary line of",
        *(f"{lead} {one}" for lead in ("final", "the final") for one in ("impression", "conclusion", "read")),
        "final interpretation", "the final interpretation", "interpreted", "official read",
        "official read on", "read on", "the read on", "end result of", "assessment in",
    ),
}  # fmt: skip

# By type: what an answer calls it, the kinds of record, and the words by which they are found.
_TYPES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "discharge_summary": ("discharge summary", ("documents",), "discharge summary"),
    "progress_note": ("progress note", ("documents",), "progress note"),
    "admission_note": ("history and physical note", ("documents",), "history physical"),
    "consult_note": ("consult note", ("documents",), "consult"),
    "operative_note": ("operation note", ("documents",), "operat"),
    "nursing_note": ("nurse note", ("documents",), "nurse"),
    "emergency_note": ("emergency note", ("documents",), "emergency"),
    "imaging_report": ("radiology report", ("reports",), "radiology"),
    "pathology_report": ("pathology report", ("reports", "documents"), "patholog"),
    "culture_report": ("culture report", ("reports",), "culture"),
}
TYPES = frozenset(_TYPES)
# Of these the text is wanted, of reports the list.
_NOTES = TYPES - {"imaging_report", "pathology_report", "culture_report"}
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_STANDING = ("superseded", "entered-in-error", "cancelled")


def type_text(asked: Asked) -> str | None:
    """The words for the type of note asked for, as `search_notes` takes them."""
    return next((_TYPES[cue][2] for cue in asked.reading.cues if cue in _TYPES), None)


def described(row: Row) -> str:
    """`Progress note on 2026-03-20 by Dr. Adams (status preliminary)`."""
    by = f" by {row['author']}" if "author" in row else ""
    states = [row.get("status"), row.get("doc_status")]
    said = ", ".join(str(one) for one in states if one not in (None, "current", "final"))
    return f"{name(row)}{when(row)}{by}{f' (status {said})' if said else ''}"


def _item(row: Row) -> str:
    concluded = f": “{inline(row['conclusion'])}”" if "conclusion" in row else ""
    return f"{described(row)}{concluded} {cite(refs_of([row]))}"


def _wanted(asked: Asked) -> tuple[str, list[Action]]:
    """What one is called, and the calls that find them."""
    window = asked.window_to_now
    for cue in asked.reading.cues & TYPES:
        called, kinds, text = _TYPES[cue]
        return called, [records(kind, text=text, **window) for kind in kinds]
    if asked.reading.mentions:
        said = asked.reading.mentions[0].said
        return f"{said} report", [records("reports", text=said, **window)]
    if "report" in asked.reading.cues:
        return "report", [records("reports", **window)]
    return "note", [records("documents", **window)]


def _documents(asked: Asked) -> Draft:
    called, calls = _wanted(asked)
    every = asked.chart.fetch_all(calls)
    panel = next(iter(asked.reading.concepts("panel")), None)
    if panel and not any(one.rows for one in every):  # an everyday word for it that no record bears
        every = asked.chart.fetch_all([records("reports", text=panel.name, **asked.window_to_now)])
        called = "matching report" if any(one.rows for one in every) else called
    found = every[0] if len(every) == 1 else _together(every)
    rows = [row for row in found.rows if not is_later(row, asked.now)]
    if not rows:
        text = f"No {plural(called)} are recorded in this chart{asked.said_window_to_now}."
        return Draft(text, (), "not_in_chart" if found.complete else "needs_review")
    asks = asked.reading.cues
    if asks & cues("list count history recent") or not asks & {*_NOTES, *cues("latest when opened open")}:
        return counted(asked, found, rows, called, _item)
    row = next((row for row in rows if row.get("status") not in _STANDING), rows[0])
    told = asks & cues("when by_whom") or "conclusion" in row
    if told:
        return Draft(f"Last {called}{asked.said_window}: {_item(row)}.", refs_of([row]))
    if row["ref"].startswith("DiagnosticReport/"):  # its results are its text
        text = f"Last {called}{asked.said_window}: {_item(row)}, recorded without a conclusion."
        return Draft(text, refs_of([row]))
    return _opened(asked, called, row)


def _opened(asked: Asked, called: str, row: Row) -> Draft:
    """The text of a note, word for word from its beginning, as much of it as an answer holds."""
    arguments = {"text": "", "reference": row["ref"], "limit": 20}
    found = asked.chart.fetch(Action(tool="search_notes", arguments=arguments))
    lead = f"Last {called}{asked.said_window}: {described(row)}"
    if not found.rows:
        text = f"{lead} {cite(refs_of([row]))}; its text could not be read.{noted(found.notes)}"
        return Draft(text, refs_of([row]), "needs_review")
    shown = ""
    for passage in found.rows:
        if shown and len(shown) + len(str(passage["passage"])) > LONGEST_LIST:
            break
        shown += f" {passage['passage']}"
    whole = found.complete and len(shown) >= sum(len(str(one["passage"])) for one in found.rows)
    rest = "" if whole and len(shown) <= LONGEST_LIST else " The text goes on."
    return Draft(f"{lead}: {quoted(shown[:LONGEST_LIST])} {cite(refs_of([row]))}.{rest}", refs_of([row]))


def quoted(passage: object) -> str:
    """A passage word for word, each sentence in quotation marks: where one ends is no end of the answer's."""
    return "“" + _SENTENCE.sub("” “", " ".join(str(passage).split())) + "”"


def _together(every: list[Found]) -> Found:
    unique = {row["ref"]: row for one in every for row in one.rows}
    rows = sorted(unique.values(), key=lambda row: day(row.get("date", "")), reverse=True)
    notes = tuple(note for one in every for note in one.notes)
    complete = all(one.complete for one in every)
    total = len(rows) if complete else sum(one.total for one in every)
    return Found(rows, total, every[0].finding, complete, notes)


def _is_about_documents(reading: Reading) -> bool:
    """A word for notes or reports, or a type of them; a name beside "report", or a panel's."""
    if reading.mentions:
        concluded = "opened" in reading.cues and all("panel" in one.concepts for one in reading.mentions)
        return "report" in reading.cues or concluded
    return bool(reading.cues & {"note", "report", *TYPES})


INTENTS = (
    Intent(
        "documents",
        _documents,
        may=cues(
            "what is whether past latest when list count history recent done by_whom note report opened open"
            " written prescribed where taking and how onset"
        )
        | TYPES,
        about=("imaging", "procedure", "panel", "measurement"),
        bare=True,
        window=True,
        also=_is_about_documents,
    ),
)

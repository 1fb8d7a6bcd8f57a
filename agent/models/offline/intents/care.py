"""Questions about who cares for the patient and to what end: care team, primary care, care plans, goals."""

from agent.messages import Action
from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted
from agent.models.offline.wording import Draft, cite, day, inline, name, noted, refs_of, when

CUES = {
    "care_team": (
        "care team", "care teams", "who is on the care team", "who is on her care team",
        "who is in her care team", "who is on his care team", "who is in the care team", "care team member",
        "treating team", "team", "who takes care of her", "who takes care of him", "who looks after her",
        "who looks after him", "who cares for her", "who cares for him", "her doctors", "his doctors",
        "treating doctors", "treating physicians", "which doctors does she have",
        "which doctors does he have",
    ),
    "pcp": (
        "pcp", "primary care doctor", "primary care physician", "primary care provider", "primary doctor",
        "family doctor", "family physician", "general practitioner", "gp", "primary provider",
        "regular doctor", "who is pcp", "primary care", "primary physician",
    ),
    "care_plan": (
        "care plan", "care plans", "plan of care", "treatment plan on file", "care planning",
        "recorded care plan", "care plan list",
    ),
    "goal": (
        "goal", "goals of care", "health goal", "treatment goal", "patient goal", "goal list", "target",
        "care goal", "therapy goal",
    ),
}  # fmt: skip

_PRIMARY = ("primary care", "family physician", "general practitioner", "family medicine", "pcp")


def _aside(row: Row, *fields: tuple[str, str]) -> str:
    said = [f"{label}{inline(row[field])}" for field, label in fields if field in row]
    until = [f"until {day(row['end'])}"] if "end" in row else []
    return "; ".join([*until, f"status {row.get('status', 'unknown')}", *said])


def _team(row: Row) -> str:
    members = row.get("members", "no members recorded")
    return f"{name(row)}{when(row)}: {members} ({_aside(row, ('reason', 'reason: '))}) {cite(refs_of([row]))}"


def _plan(row: Row) -> str:
    fields = (("activities", "activities: "), ("reason", "reason: "))
    return f"{name(row)}{when(row)} ({_aside(row, *fields)}) {cite(refs_of([row]))}"


def _goal(row: Row) -> str:
    fields = (("achievement", "achievement: "), ("target", "target: "), ("reason", "reason: "))
    return f"{name(row)}{when(row)} ({_aside(row, *fields)}) {cite(refs_of([row]))}"


_KINDS = {
    "care_team": ("care_team", "care team", _team),
    "care_plan": ("care_plans", "care plan", _plan),
    "goal": ("goals", "goal", _goal),
}


def _list(asked: Asked) -> Draft:
    """The current ones; all of them where the past or a time is asked for, the last where only that is."""
    cue = next(cue for cue in _KINDS if cue in asked.reading.cues)
    kind, noun, item = _KINDS[cue]
    asks = asked.reading.cues
    every = bool(asks & cues("history past list latest when") or asked.window)
    text = {"text": asked.reading.mentions[0].said} if asked.reading.mentions else {}
    status = "all" if every else "current"
    found = asked.chart.fetch(records(kind, status=status, **text, **asked.window_to_now))
    noun = noun if every else f"active {noun}"
    if not found.rows:
        of = f" about {text['text']}" if text else ""
        left = noted(note for note in found.notes if not note.startswith("None of the"))
        text_none = f"No {noun}s are recorded in this chart{of}{asked.said_window_to_now}.{left}"
        return Draft(text_none, (), "not_in_chart" if found.complete else "needs_review")
    if asks & {"latest", "when"}:
        row = found.rows[0]
        return Draft(f"Last {noun}: {item(row)}.{noted(found.notes, later=False)}", refs_of([row]))
    return counted(asked, found, found.rows, noun, item)


def _pcp(asked: Asked) -> Draft:
    """The general practitioner that the patient's record names, else a member of a care team of that role."""
    patient, teams = asked.chart.fetch_all(
        [Action(tool="chart_overview", arguments={}), records("care_team", status="current")]
    )
    ref = next(row["ref"] for row in patient.rows if row.get("section") == "patient")
    read = asked.chart.fetch(Action(tool="fhir_read", arguments={"reference": ref}))
    named = [
        one["display"]
        for row in read.rows
        for one in row.get("resource", {}).get("generalPractitioner", [])
        if isinstance(one, dict) and "display" in one
    ]
    if named:
        return Draft(f"General practitioner: {', '.join(named)} {cite([ref])}.", (ref,))
    for row in teams.rows:
        members = str(row.get("members", "")).split("; ")
        primary = [one for one in members if any(role in one.lower() for role in _PRIMARY)]
        if primary:
            text = f"Of the care team {name(row)}: {'; '.join(primary)} {cite(refs_of([row]))}."
            return Draft(text, refs_of([row]))
    text = "No general practitioner is recorded, nor a primary care role in an active care team."
    return Draft(text, (), "not_in_chart")


INTENTS = (
    Intent(
        "care_records",
        _list,
        may=cues("what whether is active list past history count latest when who by_whom recent and done")
        | set(_KINDS),
        about=("measurement", "problem", "procedure", "panel"),
        bare=True,
        window=True,
        also=lambda reading: len(reading.cues & set(_KINDS)) == 1,
    ),
    Intent("primary_care", _pcp, may=cues("what whether is active who by_whom past"), needs=(cues("pcp"),)),
)

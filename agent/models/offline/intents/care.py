"""Questions about who cares for the patient and to what end: care team, primary care, care plans, goals."""

import re
from dataclasses import replace

from agent.messages import Action
from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted
from agent.models.offline.slots import Mention
from agent.models.offline.wording import Draft, cite, day, inline, name, noted, refs_of, when

CUES = {
    "care_team": (
        "care team", "care teams",
        *(
            f"{who} {whose}"
            for who in ("everyone", "everybody", "people", "providers", "doctors and nurses", "all", "names",
                        "professionals", "persons", "clinicians", "specialists", "staff", "team members")
            for whose in (
                "on her care team", "on his care team", "on the care team", "in her care team",
                "in his care team", "involved in her care", "involved in his care", "involved in the care",
                "looking after her", "looking after him", "taking care of her", "taking care of him",
                "on her team", "on his team", "caring for her", "caring for him", "responsible for her care",
                "responsible for his care", "of her care team", "of his care team", "of the care team",
            )
        ), "who is on the care team", "who is on her care team",
        "who is in her care team", "who is on his care team", "who is in the care team",
        "care team member", "treating team", "team", "who takes care of her", "who takes care of him",
        "who looks after her", "who looks after him", "who cares for her", "who cares for him",
        "her doctors", "his doctors", "treating doctors", "treating physicians", "looking after",
        "looks after", "look after", "takes care of", "take care of", "taking care of", "caring for",
        "cares for", "care for", "involved in her care", "involved in his care", "involved in the care",
        "involved in care", "involved in their care", "involved with her care", "involved with his care",
        "involved in treating", "assigned to her", "assigned to him", "assigned to her care",
        "assigned to his care", "assigned to the patient", "member of her care team",
        "member of his care team", "member of the care team", "member of care team", "member of the team",
        "member of her team", "member of his team", "part of her care team", "part of his care team",
        "part of the care team", "care team list", "care team roster", "team roster", "care providers",
        "health care team", "healthcare team", "medical team", "clinical team", "care group",
        "care circle", "who follows her", "who follows him", "cared for", "being cared for",
        "being looked after",
        "treatment team", "provider team", "care provider",
        "on the case", "responsible for her care", "responsible for his care", "responsible for her",
        "responsible for him", "participates in her care", "participates in his care",
        "care coordination team", "caregivers", "multidisciplinary team", "treating clinicians",
        "treating providers", "names on the care team", "in charge of her care", "in charge of his care",
        "looked after by", "cared for by", "under the care of", "which doctors does she have",
        "which doctors does he have",
    ),
    "pcp": (
        "pcp", "primary care doctor", "primary care physician", "primary care provider", "primary doctor",
        "family doctor", "family physician", "general practitioner", "gp", "primary provider",
        "regular doctor", "who is pcp", "primary care", "primary physician",
    ),
    "care_plan": (
        "care plan", "care plans", "plan of care", "treatment plan on file", "care planning",
        "recorded care plan", "care plan list", "plan for care", "careplan", "nursing plan",
        "care planning document", "care plan document", "plan of treatment", "management plan on file",
        "care plan on file", "care plan wise",
    ),
    "goal": (
        "goal", "goals of care", "health goal", "treatment goal", "patient goal", "goal list", "target",
        "care goal", "therapy goal", "health target", "treatment target", "goals in the care plan",
        "care plan goal", "objective", "treatment objective", "health objective", "care objective",
        "care target",
    ),
    "set_down": (
        "set", "been set", "agreed", "agreed on", "agreed upon", "working towards", "working toward",
        "aiming for", "aiming at", "in force", "established", "set up", "put in place", "lined up",
        "spelled out", "defined", "been set up", "been put in place", "drawn up", "been drawn up",
        "been made",
        "made for", "been established", "been agreed", "been defined", "role", "names and roles",
        "what does it contain",
        "and what does it contain", "what does it include", "and what does it include", "what is in it",
        "and what is in it", "what do they contain", "what do they include", "and what do they include",
        "and what do they contain", "what does it say", "and what does it say",
        "belongs to", "belong to", "belongs", "is part of", "are part of",
        "member of", "professional", "health professional", "healthcare professional", "following",
        "enrolled in", "activity", "foreseen", "included", "contained", "intervention in", "included in",
        "contained in", "makes up", "make up", "made up of", "agree", "did we agree", "comprises",
        "written down", "working on",
    ),
}  # fmt: skip

_MAPPING = re.compile(
    r"""'text': (?P<quote>['"])(?P<text>.+?)(?P=quote)[,}]"""
    r"""|'display': '(?P<display>[^']+)'.*?'operator': '(?P<operator>[<>=]+)', 'value': (?P<value>[\d.]+)"""
)
# So many other names of a thing are asked for.
_OTHER_NAMES = 12
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
    return f"{_described(name(row))}{when(row)} ({_aside(row, *fields)}) {cite(refs_of([row]))}"


def _described(written: str) -> str:
    """A goal's text; Synthea's Python port writes the mapping that it made the goal of in its place."""
    found = _MAPPING.search(written) if written.startswith("{'") else None
    if found is None:
        return written
    return found["text"] or f"{found['display']}, operator {found['operator']}, value {found['value']}"


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
    timed = bool(asked.window) and asked.window.get("since") != asked.now.isoformat()
    whole = cues("history latest when") | (cues("past") if "set_down" not in asks else set())
    if cue == "care_plan":  # of teams and goals "list" and "all" ask for those in force
        whole |= cues("list")
    every = bool(asks & whole or timed) and "active" not in asks
    mention = next(iter(asked.reading.mentions), None)
    text = {"text": mention.said} if mention else {}
    status = "all" if every else "current"
    if not every:  # "his goals today" are those in force
        asked = replace(asked, reading=replace(asked.reading, window=None))
    found = asked.chart.fetch(records(kind, status=status, **text, **asked.window_to_now))
    if mention and not found.rows:
        found = _by_other_names(asked, mention, kind, status) or found
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


def _by_other_names(asked: Asked, mention: Mention, kind: str, status: str) -> Found | None:
    """What is recorded under another name of the same thing: an A1c as an HbA1c."""
    names = dict.fromkeys(" ".join(one) for found in mention.concepts.values() for one in found.names)
    every = asked.chart.fetch_all(
        [
            records(kind, status=status, text=text, **asked.window_to_now)
            for text in list(names)[:_OTHER_NAMES]
        ]
    )
    rows = list({row["ref"]: row for found in every for row in found.rows}.values())
    return replace(next(one for one in every if one.rows), rows=rows, total=len(rows)) if rows else None


def _pcp(asked: Asked) -> Draft:
    """The general practitioner that the patient's record names, else a member of a care team of that role."""
    ref = asked.chart.patient()["ref"]
    read, teams = asked.chart.fetch_all(
        [Action(tool="fhir_read", arguments={"reference": ref}), records("care_team", status="current")]
    )
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
        | cues("taking set_down name where about work includes summary")
        | set(_KINDS),
        about=("measurement", "problem", "procedure", "panel"),
        bare=True,
        window=True,
        also=lambda reading: len(reading.cues & set(_KINDS)) == 1,
    ),
    Intent("primary_care", _pcp, may=cues("what whether is active who by_whom past"), needs=(cues("pcp"),)),
)

"""Questions about the person's particulars: address, phone, language, marital status, race, contacts."""

from collections.abc import Callable, Iterable
from typing import Any

from agent.messages import Action
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.wording import Draft, cite

_TONGUES = (
    "english", "spanish", "french", "german", "portuguese", "italian", "polish", "russian", "ukrainian",
    "arabic", "turkish", "hindi", "urdu", "bengali", "chinese", "mandarin", "cantonese", "japanese", "korean",
    "vietnamese", "tagalog", "haitian creole", "farsi", "persian", "somali",
)  # fmt: skip
CUES = {
    "address": (
        "address", "home address", "where does she live", "where does he live", "where do they live", "live",
        "lives", "residence", "where is she from", "where is he from", "city", "zip code", "postal code",
    ),
    "phone": (
        "phone number", "telephone number", "contact number", "mobile number", "cell number", "phone no",
        "contact detail", "contact information", "contact info", "email", "email address", "cell phone",
    ),
    "language": (
        "language", "preferred language", "speak", "speaks", "spoken language", "primary language",
        "mother tongue", "what language", "or what else", "or another language", "or some other language",
        *(f"{speak} {tongue}" for speak in ("speak", "speaks", "understand") for tongue in _TONGUES),
    ),
    "marital": ("marital status", "married", "single", "divorced", "widowed", "marital"),
    "race": ("race", "ethnicity", "ethnic group", "ethnic background", "race and ethnicity"),
    "emergency_contact": (
        "emergency contact", "next of kin", "nok", "contact person", "who to call",
        "emergency contact person",
    ),
}  # fmt: skip

_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


def _address(patient: dict[str, Any]) -> Iterable[str]:
    for one in patient.get("address", ()):
        parts = [
            *one.get("line", ()),
            one.get("city"),
            one.get("state"),
            one.get("postalCode"),
            one.get("country"),
        ]
        yield one.get("text") or ", ".join(str(part) for part in parts if part)


def _phone(patient: dict[str, Any]) -> Iterable[str]:
    for one in patient.get("telecom", ()):
        kind = " ".join(str(one[key]) for key in ("use", "system") if key in one)
        yield f"{kind} {one.get('value', '')}".strip()


def _language(patient: dict[str, Any]) -> Iterable[str]:
    for one in patient.get("communication", ()):
        yield f"{_text(one.get('language'))}{' (preferred)' if one.get('preferred') else ''}"


def _marital(patient: dict[str, Any]) -> Iterable[str]:
    return [_text(patient["maritalStatus"])] if "maritalStatus" in patient else ()


def _race(patient: dict[str, Any]) -> Iterable[str]:
    for one in patient.get("extension", ()):
        if str(one.get("url", "")).startswith(_RACE) and one["url"].removeprefix(_RACE) in (
            "race",
            "ethnicity",
        ):
            texts = [part["valueString"] for part in one.get("extension", ()) if "valueString" in part]
            yield ", ".join(texts)


def _contact(patient: dict[str, Any]) -> Iterable[str]:
    for one in patient.get("contact", ()):
        named = one.get("name", {})
        said = named.get("text") or " ".join([*named.get("given", ()), str(named.get("family", ""))]).strip()
        related = ", ".join(_text(role) for role in one.get("relationship", ()))
        reached = ", ".join(str(way.get("value", "")) for way in one.get("telecom", ()))
        yield ", ".join(part for part in (said, related, reached) if part)


def _text(concept: Any) -> str:
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding") or [{}]
    return str(concept.get("text") or codings[0].get("display") or codings[0].get("code", ""))


_FACTS: dict[str, tuple[str, Callable[[dict[str, Any]], Iterable[str]]]] = {
    "address": ("address", _address),
    "phone": ("phone or email", _phone),
    "language": ("language", _language),
    "marital": ("marital status", _marital),
    "race": ("race and ethnicity", _race),
    "emergency_contact": ("contact person", _contact),
}


def _particulars(asked: Asked) -> Draft:
    """The facts asked for as the patient's own record has them; "not recorded" for each that it has not."""
    chart = asked.chart.fetch(Action(tool="chart_overview", arguments={}))
    ref = next(row["ref"] for row in chart.rows if row.get("section") == "patient")
    read = asked.chart.fetch(Action(tool="fhir_read", arguments={"reference": ref, "full": True}))
    patient = read.rows[0].get("resource", {})
    said: list[str] = []
    known = False
    for cue, (label, read_from) in _FACTS.items():
        if cue in asked.reading.cues:
            found = [one for one in read_from(patient) if one]
            known = known or bool(found)
            lead = "recorded" if cue == "race" else label
            said.append(f"{lead}: {'; '.join(found)}" if found else f"{label} not recorded")
    text = "; ".join(said)
    said_so = f"{text[:1].upper()}{text[1:]} {cite([ref])}."
    return Draft(said_so, (ref,), "answered" if known else "not_in_chart")


INTENTS = (
    Intent(
        "particulars",
        _particulars,
        may=cues("what whether is active who where and status_of") | set(_FACTS),
        needs=(frozenset(_FACTS),),
    ),
)

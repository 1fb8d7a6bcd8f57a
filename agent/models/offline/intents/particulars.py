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
        "first language", "native language", "home language", "language of communication",
        "communication language", "preferred language of communication", "comfortable in",
        "most comfortable in", "more comfortable in", "comfortable speaking", "prefer", "prefers",
        "prefer to speak", "prefers to speak", "prefers to use", "speak at home", "speaks at home",
        *(f"{which}language {should} {who} {verb}"
          for which in ("", "which ", "what ") for should in ("should", "do", "can", "must")
          for who in ("i", "we") for verb in ("use", "use with", "speak", "speak with", "speak to")),
        *(f"{which}language {who} should {verb}{to}" for which in ("", "which ", "what ") for who in ("i",
        "we")
          for verb in ("speak", "talk", "use", "communicate", "converse")
          for to in ("", " to her", " to him", " with her", " with him", " in", " to her in", " to him in")),
        *(f"{tongue} or {other}" for tongue in ("english", "spanish", "french", "german")
          for other in ("something else", "another language", "some other language", "other")),
        "main language", "usual language", "everyday language", "strongest language", "best language",
        "own language", "preferred spoken language", "preferred written language", "interpreter language",
        *(f"language does {record} {give}{end}" for record in ("the record", "the chart", "her chart",
        "his chart")
          for give in ("give", "have", "show", "list", "say") for end in ("", " for")),
        "mother tongue", "what language", "tongue", "native tongue", "language preference",
        "preference for language", "language of preference", "language of choice", "spoken at home",
        "language spoken", "language at home", "comfortable with", "most comfortable with",
        "more comfortable with", "language spoken at home", "speaks to her family", "speaks to his family",
        "at ease in", "most at ease in", "most fluent in", "fluent in", "feel comfortable in",
        "feels comfortable in", "rather speak", "would she rather speak", "would he rather speak",
        "would she rather use", "would he rather use", "would she prefer", "would he prefer",
        "language for communication", "language for communicating", "for communication", "language to use",
        "language to speak", "languages", "what is her english like", "english speaking", "english speaker",
        "spanish speaking", "speaks which language", "speaks what language", "non english speaking",
        "language need", "communication need", "communicate in", "converse in", "talk in", "conversation in",
        *(f"{say} {who} prefers" for say in ("say", "said", "says") for who in ("she", "he")),
        "english her language", "english his language",
        *(f"language {down}" for down in ("down for", "down as", "is down", "is she down as speaking")),
        *(f"{which}language {do} they have down"
          for which in ("", "which ", "what ") for do in ("do", "did")),
        *(f"{is_}down as {whose} {order}language" for is_ in ("", "is ") for whose in ("her", "his", "the")
          for order in ("", "first ", "preferred ", "main ", "primary ")),
        *(f"{which}language {do} {verb} to {who} in"
          for which in ("", "which ", "what ") for do in ("do i", "should i", "can i", "do we", "should we")
          for verb in ("speak", "talk") for who in ("her", "him", "the patient")),
        *(f"{which}language should {thing} be{written}"
          for which in ("", "which ", "what ")
          for written in ("", " written", " in", " written in", " given in")
          for thing in ("the letter", "the leaflet", "her letter", "his letter", "the handout",
                        "the instructions", "the discharge instructions", "the consent form")),
        "or what else", "or another language", "or some other language",
        *(f"{speak} {tongue}{other}" for speak in ("speak", "speaks", "understand") for tongue in _TONGUES
          for other in ("", " or something else", " or another language", " or some other language",
                        " or not")),
    ),
    "interpreter": tuple(
        f"{verb} {an} {one}{end}"
        for verb in ("call", "book", "get", "arrange", "organise", "organize", "request", "find")
        for an in ("an", "the", "a") for one in ("interpreter", "translator") for end in ("", " for", " in")
    ) + tuple(
        f"{asked} {an}{one}"
        for asked in ("do we need", "does she need", "does he need", "do i need", "does the patient need",
                      "is", "need", "needs", "will we need", "will i need", "would we need",
                      "should i book", "should we book", "do i have to book", "do we have to book",
                      "require", "requires")
        for an in ("", "an ", "a ") for one in ("interpreter", "translator", "interpreter needed",
                                               "interpreter and for", "interpreter for")
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
    ref = asked.chart.patient()["ref"]
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
        may=cues("what whether is active past who where and status_of interpreter") | set(_FACTS),
        needs=(frozenset(_FACTS),),
        also=lambda reading: "interpreter" not in reading.cues or "language" in reading.cues,
    ),
)

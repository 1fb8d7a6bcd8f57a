"""Questions about allergies as a list: all, of one kind, severe, past, of a time, how many."""

from collections.abc import Callable

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.allergy_records import NOUN, item, standing
from agent.models.offline.intents.in_force import is_timed
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import counted, recorded_as_none
from agent.models.offline.wording import Draft, inline, many, noted, plural, refs_of, when


def _each(words: str, nouns: str = "allergy, allergen, allergic reaction") -> tuple[str, ...]:
    return tuple(f"{word} {noun}" for word in spoken(words) for noun in spoken(nouns))


CUES = {
    "allergy": (
        *spoken("""allergic to anything, intolerant, intolerant of, intolerance to,
            allergies and intolerances, allergy and intolerance, allergen, allergy status,
            allergy record, allergy history, history of allergy, documented allergy,
            hypersensitivity, hypersensitivity to, sensitivity to, drug reaction,
            drug allergies or intolerances, sensitive to, react to, reacts to, reacted to,
            drug or food allergy, food or drug allergy, drug or other allergy, drug allergy or other allergy,
            any drug allergy or other allergy, allergies or intolerances, bad reaction to,
            allergic response to, allergy against, allergic against, allergic towards, allergy towards,
        being allergic to, recorded as being allergic to, down as being allergic to, down as allergic to,
        drug and food allergy, food and drug allergy, drug and other allergy, medication and food allergy,
        food and medication allergy, drug food and environmental allergy, drug food or environmental allergy,
        medicine and food allergy, drug food or other allergy, drug food and other allergy,
        drug allergies and food allergy, food allergies and drug allergy, allergies and reaction,
        something she is allergic to, something he is allergic to, something she allergic to,
        something he allergic to, one of her allergies, one of his allergies,
        allergy check, check allergy, check her allergies, check his allergies, allergy down,
        allergy down for her, allergy down for him, down as an allergy, listed as an allergy,
        recorded as an allergy, documented as an allergy, because of allergy, because of an allergy,
        because she is allergic, because he is allergic, because she allergic, because he allergic,
        due to allergy, due to an allergy, allergy wise, and if so to what, if so to what, if so what to,
        if yes to what, allergies or sensitivities, allergy or sensitivity, allergies and sensitivities,
        sensitivity,
        hypersensitivity or allergy, allergy or hypersensitivity, allergy section, allergy field,
        allergies section, allergy entry, allergy band, allergy box, allergy tab, allergy page,
        allergy screen, allergy sheet, allergy card, allergy info, allergy information, allergy details,
        allergy profile, allergy warning, allergy alert, allergy flag, thing is she allergic to,
        thing is he allergic to, thing she is allergic to, thing he is allergic to,
        nkda or does she have any, nkda or does he have any, nkda or does she have something,
        nkda or are there any, nkda or anything, nkda or allergic to something, nkda or allergic,
        nkda or allergy, or nkda, or is she nkda, or is he nkda, or no known allergy,
        down as allergic, nkda or does she have allergy, nkda or does he have allergy, which substance,
        what substance, to which substance, to what substance"""),
    ),
    "new_allergy": (
        *_each("new, newly recorded, recently recorded, recent"),
        *(f"allergy {added}" for added in spoken("""recorded, noted, added, entered,
            were recorded, was recorded, were added, was added, were noted, been recorded, been added,
            diagnosed""")),
    ),
    "drug_allergy": spoken("""drug allergy, medication allergy, medicine allergy, med allergy,
        any drug allergy, any medication allergy, known drug allergy, known medication allergy,
        allergy to medication, allergy to any medication, allergic to any medication,
        allergic to any drug, allergic to medication, allergy to drug, allergy to any drug,
        allergy to med, allergic to any med, drug allergy list, allergic to drug, allergy to medicine,
        allergic to any medicine"""),
    "food_allergy": _each("food, any food, known food") + spoken("allergic to any food, allergy to food"),
    "environmental_allergy": _each("environmental, environment, outdoor"),
    "severe_allergy": (
        *_each("""serious, life threatening, dangerous, anaphylactic, critical, high risk, major,
            high criticality""", "allergy, allergic reaction"),
        *spoken("""severe allergy, severe allergen, anaphylactic reaction, anaphylactic reaction to,
            severe reaction, severe reaction to, serious reaction, serious reaction to"""),
    ),
    "intolerance": spoken("intolerance only, drug intolerance, medication intolerance, food intolerance"),
    "past_allergy": _each("""resolved, inactive, past, previous, former, old, outgrown,
        no longer active, refuted, ruled out"""),
    "happens": spoken("what happen, what happens, what happened, what would happen"),
    "reaction": spoken("""reaction, reaction to, what reaction, manifestation, symptom,
        how does she react, how does he react, how did she react, how did he react, type of reaction,
        kind of reaction, allergic manifestation, how she reacts, how he reacts, how she reacted,
        how he reacted, how the patient reacts, how does the patient react, how did the patient react,
        show itself, shows itself, manifest, manifest itself, manifests itself, present itself,
        incl reaction, including reaction, including the reaction, incl the reaction, plus reaction,
        with their reaction, in what way does she react, in what way does he react, in what way did she react,
        in what way did he react, in what way does she react to, in what way does he react to,
        in what way did she react to, in what way did he react to, how does she react to,
        how does he react to, how did she react to, how did he react to,
        cause in her, cause in him, caused in her, caused in him, allergic reaction that is documented"""),
}  # fmt: skip


def _list(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("allergies", status="current"))
    # A "none known" that stands beside allergies is told by a note of the result.
    allergies = [row for row in found.rows if not row.get("negation")]
    return none(asked, found) or counted(asked, found, allergies, NOUN, item)


def none(asked: Asked, found: Found) -> Draft | None:
    """Nothing recorded and recorded as none are two answers; None when allergies are recorded."""
    if found.finding == "nothing_recorded":
        return Draft(asked.wording.say("allergy", "none") + noted(found.notes), (), "not_in_chart")
    if found.finding == "recorded_as_none":
        return recorded_as_none(asked, found, "allergy")
    if not found.rows:
        text = asked.wording.say("list", "none", what="current allergies", window="")
        return Draft(text + noted(found.notes), (), "not_in_chart")
    return None


def _some(which: Callable[[Row], bool], noun: str, unsaid: Callable[[Row], bool]) -> Callable[[Asked], Draft]:
    """The current allergies of one kind; those that do not say of what kind they are are told beside them."""

    def answered(asked: Asked) -> Draft:
        found = asked.chart.fetch(records("allergies", status="current"))
        allergies = [row for row in found.rows if not row.get("negation")]
        nothing = none(asked, found)
        if nothing or not allergies:
            return nothing or Draft(asked.wording.say("allergy", "none"), (), "not_in_chart")
        chosen = [row for row in allergies if which(row)]
        open_ = [row for row in allergies if unsaid(row) and not which(row)]
        said = []
        if chosen:
            said.append(f"{many(len(chosen), noun)}: {asked.wording.listed(chosen, item)}.")
        else:
            said.append(f"{noun[:1].upper()}{noun[1:]}: none; {many(found.total, 'record')} checked.")
        if open_:
            said.append(f"Recorded without saying: {asked.wording.listed(open_, item)}.")
        said[-1] += noted(found.notes)
        refs = refs_of(chosen + open_)
        if not found.complete:
            return Draft(" ".join(said), refs, "needs_review")
        return Draft(" ".join(said), refs, "answered" if refs else "not_in_chart")

    return answered


def _past(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("allergies"))
    over = [row for row in found.rows if standing(row) != "yes"]
    if over:
        items = asked.wording.listed(over, item)
        return Draft(f"Recorded, but not as active: {items}.", refs_of(over))
    return none(asked, found) or Draft(
        f"Inactive allergies: none; {many(found.total, 'record')} checked.", (), "not_in_chart"
    )


def _last(asked: Asked) -> Draft:
    """The current one recorded last, or first; undated ones cannot be placed."""
    found = asked.chart.fetch(records("allergies", status="current"))
    rows = [row for row in found.rows if not row.get("negation") and "date" in row]
    if not rows or not found.complete:
        return _list(asked)
    first = "first" in asked.reading.cues
    row = rows[-1] if first else rows[0]
    return Draft(f"{'First' if first else 'Last'} recorded{when(row)}: {item(row)}.", refs_of([row]))


def _recorded_in(asked: Asked) -> Draft:
    """Those whose date (recorded, or else onset) lies in the time asked for."""
    found = asked.chart.fetch(records("allergies", **asked.window))
    rows = [row for row in found.rows if not row.get("negation")]
    if rows:
        return counted(asked, found, rows, NOUN, item)
    if found.finding == "recorded_as_none" and found.rows:
        return recorded_as_none(asked, found, "allergy")
    text = asked.wording.say("list", "none", what=plural(NOUN), window=asked.said_window)
    return Draft(text.replace("recorded allergies", "allergies"), (), "not_in_chart")


def _is_severe(row: Row) -> bool:
    reaction = inline(row.get("reaction", "")).casefold()
    return row.get("criticality") == "high" or "severe" in reaction or "anaphyla" in reaction


def _severity_unsaid(row: Row) -> bool:
    return row.get("criticality") not in ("low", "high") and "(" not in str(row.get("reaction", ""))


def _of_category(category: str) -> Callable[[Row], bool]:
    return lambda row: category in str(row.get("category", "")).split(", ")


_ASIDE = cues("count list what is whether active past history allergy and")

INTENTS = (
    Intent(
        "allergies",
        _list,
        may=_ASIDE | cues("reaction happens summary"),
        needs=(cues("allergy"),),
    ),
    Intent(
        "last_allergy",
        _last,
        may=_ASIDE | {"when"},
        needs=(cues("latest first"), cues("allergy new_allergy")),
    ),
    Intent(
        "drug_allergies",
        _some(_of_category("medication"), "drug allergy", lambda row: "category" not in row),
        may=_ASIDE,
        needs=(cues("drug_allergy"),),
    ),
    Intent(
        "food_allergies",
        _some(_of_category("food"), "food allergy", lambda row: "category" not in row),
        may=_ASIDE,
        needs=(cues("food_allergy"),),
    ),
    Intent(
        "environmental_allergies",
        _some(_of_category("environment"), "environment allergy", lambda row: "category" not in row),
        may=_ASIDE,
        needs=(cues("environmental_allergy"),),
    ),
    Intent(
        "severe_allergies",
        _some(_is_severe, "high-risk allergy", _severity_unsaid),
        may=_ASIDE,
        needs=(cues("severe_allergy"),),
    ),
    Intent(
        "intolerances",
        _some(lambda row: row.get("type") == "intolerance", "intolerance", lambda row: "type" not in row),
        may=_ASIDE - {"allergy"},
        needs=(cues("intolerance"),),
    ),
    Intent("past_allergies", _past, may=_ASIDE, needs=(cues("past_allergy"),)),
    Intent(
        "allergies_in_time",
        _recorded_in,
        may=_ASIDE,
        needs=(cues("new_allergy"),),
        window=True,
        also=is_timed,
    ),
)

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
            allergic response to"""),
    ),
    "new_allergy": (
        *_each("new, newly recorded, recently recorded, recent"),
        *(f"allergy {added}" for added in spoken("""recorded, documented, noted, added, entered,
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
        kind of reaction, allergic manifestation"""),
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
        may=_ASIDE | cues("reaction happens"),
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

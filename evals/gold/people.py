"""Right answers about the person: who it is, family, habits, cover, and who looks after the patient."""

from datetime import date

from evals.gold.chart import Chart, names_of, whole_day
from evals.gold.expected import NOTHING, SHOWN, Claim, Day, Expected, Number, Verdict, Words
from evals.gold.records import Resource, codes, ref

RELATIVES = {"FTH": ("father",), "MTH": ("mother",), "NSIB": ("sibling", "brother", "sister")}


def birth_date(chart: Chart) -> Expected | None:
    """The day of birth, as exactly as it is recorded."""
    born = chart.patient.get("birthDate")
    return Expected((Day(born),), frozenset({chart.ref})) if born else NOTHING


def sex(chart: Chart) -> Expected | None:
    """Male or female."""
    gender = chart.patient.get("gender")
    if gender not in {"male", "female"}:
        return None
    return Expected((Words((str(gender),)),), frozenset({chart.ref}))


def years(born: date, on: date) -> int:
    """Full years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def age(chart: Chart, on: date) -> Expected | None:
    """How old the patient was on a day of the patient's life."""
    born = whole_day(chart.patient.get("birthDate"))
    died = chart.patient.get("deceasedDateTime")
    if born is None or chart.patient.get("deceasedBoolean") or years(born, on) < 3 or died:
        return None
    return Expected((Number(years(born, on)),), frozenset({chart.ref}), also=None)


def language(chart: Chart) -> Expected | None:
    """The language that the patient speaks."""
    spoken = [
        name for one in chart.patient.get("communication", []) for name in names_of(one.get("language"))
    ]
    if len(spoken) != 1:
        return None
    return Expected(
        (Words((spoken[0].lower(), spoken[0].lower().partition("(")[0].strip())),), frozenset({chart.ref})
    )


def standing(chart: Chart, kind: str, active: set[str], over: set[str]) -> Expected | None:
    """The records of a kind that have not ended; not where a status is neither."""
    held = chart.of(kind)
    states = {ref(item): str(item.get("status", item.get("lifecycleStatus"))) for item in held}
    if any(state not in active | over for state in states.values()):
        return None
    current = [item for item in held if states[ref(item)] in active]
    if not current:
        return NOTHING if not held else Expected(status="answered|not_in_chart", also=None)
    if len(current) > SHOWN:
        return None
    names = {_name(item) for item in current}
    return Expected(refs=frozenset(map(ref, current)), need=len(names), only=True)


def _name(item: Resource) -> str:
    told = [item.get(field) for field in ("title", "name", "type", "category", "description", "payor")]
    return str(next((one for one in told if one), item["resourceType"]))


def family(chart: Chart) -> Expected | None:
    """The relatives of whom a condition is recorded."""
    held = chart.of("FamilyMemberHistory")
    if any(item["status"] != "completed" for item in held):
        return None
    told = [item for item in held if item.get("condition")]
    if not held:
        return NOTHING
    if not told:
        return None
    also = frozenset(map(ref, held))
    says = tuple(Words(tuple(name.lower() for name in names_of(one["code"]))) for one in told[0]["condition"])
    return Expected(says, frozenset(map(ref, told)), need=len(told), also=also)


def in_family(chart: Chart, concept: set[str], like: str) -> Expected | None:
    """Whether a relative has a condition."""
    held = chart.of("FamilyMemberHistory")
    if not held:
        return None
    having, doubtful = [], False
    for item in held:
        for one in item.get("condition", []):
            if codes(one["code"]) & concept:
                having.append(item)
            elif any(like in name.lower() for name in names_of(one["code"])):
                doubtful = True
    if doubtful:
        return None
    if having:
        relations = {
            word
            for item in having
            for code in codes(item["relationship"])
            for word in RELATIVES.get(code, ())
        }
        says: tuple[Claim, ...] = (Verdict(yes=True), Words(tuple(sorted(relations))))
        return Expected(says, frozenset(map(ref, having))) if relations else None
    everyone = frozenset(map(ref, held))
    return Expected((Verdict(yes=False),), everyone, "answered|not_in_chart", need=0)


def habit(chart: Chart, loinc: str) -> Expected | None:
    """The newest record of smoking or drinking, in its words."""
    found = [item for item in chart.of("Observation") if loinc in codes(item["code"])]
    if not found:
        return None
    if any(len(str(item.get("effectiveDateTime"))) < 20 or item["status"] != "final" for item in found):
        return None
    newest = max(str(item["effectiveDateTime"]) for item in found)
    last = [item for item in found if str(item["effectiveDateTime"]) == newest]
    told = {tuple(name.lower() for name in names_of(item.get("valueCodeableConcept"))) for item in last}
    if len(told) != 1 or not (words := told.pop()):
        return None
    return Expected((Words(words),), frozenset(map(ref, last)))


def cover(chart: Chart) -> Expected | None:
    """Who pays now: the coverage that is active."""
    held = chart.of("Coverage")
    active = [item for item in held if item["status"] == "active"]
    if not active or len(active) > 3:
        return NOTHING if not held else None
    # One may have ended by its period and still be called active.
    if any(str(item.get("period", {}).get("end", "9999")) < chart.now.isoformat() for item in active):
        return None
    payors = [_payor(chart, item) for item in active]
    if not all(payors):
        return None
    return Expected(tuple(Words(tuple(names)) for names in payors), frozenset(map(ref, active)), only=True)


def _payor(chart: Chart, item: Resource) -> list[str]:
    found = []
    for one in item.get("payor", []):
        target = chart.named.get(one.get("reference", ""), {})
        found += [str(name).lower() for name in (one.get("display"), target.get("name")) if name]
    return [*found, *(name.lower() for name in names_of(item.get("type")))]

"""Right answers about care that was given: allergies, vaccines, procedures, visits."""

from collections.abc import Iterable
from datetime import date

from evals.gold import records as raw
from evals.gold.chart import Chart, moment, names_of, plain_date, whole_day
from evals.gold.expected import NOTHING, SHOWN, Claim, Day, Expected, Interval, Number, Verdict, Words, listed
from evals.gold.records import NO_KNOWN_ALLERGY, Resource, codes, ref


def allergies(chart: Chart) -> Expected | None:
    """Active allergies, "recorded as none", or nothing recorded."""
    gold = raw.allergies(chart.records)
    if gold is None:
        return None
    if gold.status == "not_in_chart":
        return NOTHING
    if gold.values:
        return Expected((Words(("no known", "no known allergies", "none")),), gold.refs)
    none = [
        ref(item) for item in chart.of("AllergyIntolerance") if codes(item.get("code")) & NO_KNOWN_ALLERGY
    ]
    return listed(gold.refs, also=none)


def substances(chart: Chart) -> list[Resource]:
    """The allergies to something that are active and not refuted or in error."""
    return [
        item
        for item in chart.of("AllergyIntolerance")
        if not codes(item.get("verificationStatus")) & {"entered-in-error", "refuted"}
        and codes(item.get("clinicalStatus")) & {"active"}
        and not codes(item.get("code")) & NO_KNOWN_ALLERGY
    ]


def reaction(item: Resource) -> Expected | None:
    """How it shows."""
    told = [
        name.lower()
        for one in item.get("reaction", [])
        for concept in one.get("manifestation", [])
        for name in names_of(concept)[:1]
    ]
    if not told:
        return None
    return Expected(tuple(Words((name,)) for name in told), frozenset({ref(item)}))


def allergic_to(chart: Chart, word: str) -> Expected | None:
    """Whether an active allergy names the substance."""
    named = [
        item
        for item in chart.of("AllergyIntolerance")
        if any(word in name.lower() for name in names_of(item.get("code")))
    ]
    yes = [item for item in named if item in substances(chart)]
    if yes:
        return Expected((Verdict(yes=True),), frozenset(map(ref, yes)))
    if named:
        return None
    recorded = frozenset(map(ref, chart.of("AllergyIntolerance")))
    return Expected((Verdict(yes=False),), recorded, "answered|not_in_chart", need=0)


def given(chart: Chart, cvx: set[str], like: str) -> list[Resource] | None:
    """The doses of a vaccine, oldest first; None where another goes by the word, or a date is not plain."""
    held = chart.of("Immunization")
    if any(
        like in name.lower() and not codes(item["vaccineCode"]) & cvx
        for item in held
        for name in names_of(item["vaccineCode"])
    ):
        return None
    doses = [item for item in held if codes(item["vaccineCode"]) & cvx and item["status"] == "completed"]
    if any(whole_day(item.get("occurrenceDateTime")) is None for item in doses):
        return None
    return sorted(doses, key=lambda item: str(item["occurrenceDateTime"]))


def dated(item: Resource) -> str | None:
    """The day on which something was done, as written."""
    text = plain_date(
        item, "occurrenceDateTime", "performedDateTime", "performedPeriod.start", "period.start"
    )
    return text[:10] if text else None


def nth(done: list[Resource], which: int) -> Expected | None:
    """The day of one of them, counted from the first (0) or the last (-1)."""
    if not -len(done) <= which < len(done):
        return NOTHING if not done else None
    day = dated(done[which])
    if day is None:
        return None
    same = frozenset(ref(item) for item in done if dated(item) == day)
    return Expected((Day(day),), same, also=frozenset(map(ref, done)))


def counted(done: list[Resource]) -> Expected:
    """How many."""
    return Expected((Number(len(done)),), frozenset(map(ref, done))) if done else NOTHING


def all_of(done: list[Resource], not_done: Iterable[str] = ()) -> Expected | None:
    """Each with its day; those that were not done may be told as such."""
    if not 2 <= len(done) <= SHOWN:
        return None
    return listed(map(ref, done), *(Day(str(dated(item))) for item in done), also=not_done)


def not_given(chart: Chart, cvx: set[str]) -> frozenset[str]:
    """The records of a vaccine that was refused or left out."""
    held = chart.of("Immunization")
    return frozenset(
        ref(item) for item in held if codes(item["vaccineCode"]) & cvx and item["status"] == "not-done"
    )


def whether(done: list[Resource], mentioned: bool) -> Expected | None:
    """Whether it was ever done; not where the chart has it as refused or planned."""
    if done:
        return Expected((Verdict(yes=True),), frozenset(map(ref, done)))
    return None if mentioned else Expected((Verdict(yes=False),), status="answered|not_in_chart", need=0)


def visits(chart: Chart, *classes: str) -> list[Resource] | None:
    """The visits (of some classes) that took place, oldest first; None where one has no full date."""
    found = [
        item
        for item in raw.visits(chart.records)
        if not classes or item.get("class", {}).get("code") in classes
    ]
    if any(moment(item.get("period", {}).get("start")) is None for item in found):
        return None
    if any(raw.when(item) > chart.now for item in found):  # type: ignore[operator]
        return None
    return sorted(found, key=lambda item: (raw.when(item), ref(item)))


def last_visit(found: list[Resource]) -> Expected | None:
    """The day of the newest."""
    if not found:
        return NOTHING
    newest = [item for item in found if item["period"]["start"] == found[-1]["period"]["start"]]
    refs = frozenset(map(ref, newest))
    return Expected((Day(str(dated(found[-1]))),), refs)


def visits_in(found: list[Resource], since: date, until: date | None) -> list[Resource] | None:
    """Those of a window; None where a stay reaches into it or out of it."""
    inside = []
    for item in found:
        begin = date.fromisoformat(item["period"]["start"][:10])
        end = whole_day(item["period"].get("end")) or begin
        if begin < since <= end or (until is not None and begin <= until < end):
            return None
        if begin >= since and (until is None or begin <= until):
            inside.append(item)
    return inside


def stay(found: list[Resource]) -> Expected | None:
    """How long the newest stay was."""
    if not found:
        return NOTHING
    begin = whole_day(found[-1]["period"]["start"])
    end = whole_day(found[-1]["period"].get("end"))
    if begin is None or end is None or end == begin:
        return None
    return Expected((Interval(begin, end),), frozenset({ref(found[-1])}))


def why(found: list[Resource]) -> Expected | None:
    """The reason that the newest was recorded with."""
    if not found:
        return NOTHING
    reasons = [name for concept in found[-1].get("reasonCode", []) for name in names_of(concept)]
    plain = [name.lower() for name in reasons if "_" not in name]
    if not plain or len(plain) < len(reasons) or len(found[-1]["reasonCode"]) > 1:
        return None
    linked: Iterable[str] = (one.get("reference", "") for one in found[-1].get("reasonReference", []))
    said: Claim = Words(tuple(plain))
    return Expected((said,), frozenset({ref(found[-1])}), also=frozenset(linked))


def procedures(chart: Chart, concept: set[str], like: str) -> list[Resource] | None:
    """What was done of a code, oldest first; None where others go by the word, or a date is not plain."""
    held = chart.of("Procedure")
    if any(
        like in name.lower() and not codes(item["code"]) & concept
        for item in held
        for name in names_of(item["code"])
    ):
        return None
    done = [item for item in held if codes(item["code"]) & concept]
    if any(item["status"] != "completed" or len(dated(item) or "") < 10 for item in done):
        return None
    return sorted(done, key=lambda item: (str(dated(item)), ref(item)))

"""Right answers about medications: what is taken, since when, what for, by whose order."""

from collections.abc import Iterable
from functools import cache

from evals.gold.chart import Chart, names_of, plain_date, whole_day
from evals.gold.expected import NOTHING, SHOWN, Claim, Day, Expected, Number, Verdict, Words
from evals.gold.records import Resource, current_medications, drug_text, ref

KINDS = ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense")
HAPPENED = {"active", "completed", "stopped", "in-progress"}
DOUBTFUL = {"on-hold", "unknown", "draft", "in-progress", "intended", "preparation"}


@cache
def texts(chart: Chart) -> tuple[tuple[str, Resource], ...]:
    """Each record of a medication with the words that name it."""
    named = dict(chart.named)
    return tuple((drug_text(chart.records, item, named), item) for kind in KINDS for item in chart.of(kind))


def of_drug(chart: Chart, words: Iterable[str]) -> list[Resource]:
    """The records that name one of the ingredients."""
    return [item for text, item in texts(chart) if any(word in text for word in words)]


def taken(chart: Chart, words: Iterable[str]) -> list[Resource] | None:
    """What was ordered, given, stated of a drug; None where a record leaves it open."""
    found = of_drug(chart, words)
    if any(_open(item) for item in found):
        return None
    return [item for item in found if item["status"] in HAPPENED]


def _open(item: Resource) -> bool:
    planned = item.get("intent") in {"proposal", "plan", "option"} or bool(item.get("doNotPerform"))
    return planned or item.get("status") in DOUBTFUL


def current(chart: Chart) -> Expected | None:
    """All that is taken now: of each name one record at least."""
    if any(item["status"] == "in-progress" for item in chart.of("MedicationAdministration")):
        return None
    found = current_medications(chart.records)
    if not found:
        return NOTHING
    named = dict(chart.named)
    names = {drug_text(chart.records, item, named) for item in found}
    return Expected(refs=frozenset(map(ref, found)), need=min(len(names), SHOWN), only=True)


def now_on(chart: Chart, words: Iterable[str]) -> Expected | None:
    """Whether a drug, or one of a class, is taken now."""
    found = taken(chart, words)
    if found is None:
        return None
    refs = {ref(item) for item in current_medications(chart.records)} & set(map(ref, found))
    if refs:
        return Expected((Verdict(yes=True),), frozenset(refs), also=frozenset(map(ref, found)))
    past = frozenset(map(ref, found))
    return Expected((Verdict(yes=False),), past, "answered|not_in_chart", need=0)


def ever_on(chart: Chart, words: Iterable[str]) -> Expected | None:
    """Whether a drug was ever taken."""
    found = taken(chart, words)
    if found is None or (not found and of_drug(chart, words)):
        return None
    if found:
        return Expected((Verdict(yes=True),), frozenset(map(ref, found)))
    return Expected((Verdict(yes=False),), status="answered|not_in_chart", need=0)


def begun(item: Resource) -> str | None:
    """When a record says that it began, as written."""
    return plain_date(
        item, "authoredOn", "effectiveDateTime", "effectivePeriod.start", "whenHandedOver", "dateAsserted"
    )


def first_day(found: list[Resource]) -> str | None:
    """The day on which it began; None where orders and doses do not agree on it."""
    days = [begun(item) for item in found]
    if not found or any(day is None or whole_day(day) is None for day in days):
        return None
    first = min(str(day)[:10] for day in days)
    orders = [str(begun(item))[:10] for item in found if item["resourceType"] == "MedicationRequest"]
    return first if not orders or min(orders) == first else None


def started(chart: Chart, words: Iterable[str]) -> Expected | None:
    """The day of the first order or dose."""
    found = taken(chart, words)
    day = first_day(found) if found else None
    if found is None or day is None:
        return None
    refs = frozenset(ref(item) for item in found if str(begun(item))[:10] == day)
    return Expected((Day(day),), refs, also=frozenset(map(ref, found)))


def stopped(chart: Chart, words: Iterable[str]) -> Expected | None:
    """That it was stopped; R4 has no field for the day."""
    found = taken(chart, words)
    if not found or any(item["status"] != "stopped" for item in found):
        return None
    says: Claim = Words(("stopped", "discontinued"))
    return Expected((says,), frozenset(map(ref, found)), "answered|not_in_chart", never=("still on",))


def dose(chart: Chart, words: Iterable[str]) -> Expected | None:
    """The dose of the one current order that has one in a unit."""
    found = [item for item in taken(chart, words) or [] if item in current_medications(chart.records)]
    doses = {
        (quantity.get("value"), quantity.get("unit", quantity.get("code")))
        for item in found
        for dosage in item.get("dosageInstruction", [])
        for part in dosage.get("doseAndRate", [])
        if (quantity := part.get("doseQuantity"))
    }
    if len(found) != 1 or len(doses) != 1:
        return None
    value, unit = doses.pop()
    if value is None or not unit:
        return None
    return Expected((Number(float(value), (str(unit).lower(),)),), frozenset(map(ref, found)))


def reason(chart: Chart, words: Iterable[str]) -> Expected | None:
    """What its orders say that it is for."""
    orders = [item for item in taken(chart, words) or [] if item["resourceType"] == "MedicationRequest"]
    if not orders or any(len(item.get("reasonReference", [])) != 1 for item in orders):
        return None
    targets = {item["reasonReference"][0].get("reference", "") for item in orders}
    names = {tuple(names_of(chart.named[target].get("code"))) for target in targets if target in chart.named}
    if len(names) != 1 or not targets <= set(chart.named):
        return None
    refs = frozenset(map(ref, orders))
    return Expected((Words(tuple(name.lower() for name in names.pop())),), refs, also=frozenset(targets))


def prescriber(chart: Chart, words: Iterable[str]) -> Expected | None:
    """Who ordered it, where that is one person."""
    orders = [item for item in taken(chart, words) or [] if item["resourceType"] == "MedicationRequest"]
    if not orders or any("display" not in item.get("requester", {}) for item in orders):
        return None
    people = {item["requester"]["display"] for item in orders}
    if len(people) != 1:
        return None
    name = str(people.pop()).lower()
    person = frozenset(item["requester"].get("reference", "") for item in orders)
    return Expected((Words((name,)),), frozenset(map(ref, orders)), also=person)


def prescribed_in(chart: Chart, year: int) -> Expected | None:
    """What was ordered in a year."""
    orders = [
        item
        for text, item in texts(chart)
        if item["resourceType"] == "MedicationRequest" and str(begun(item)).startswith(str(year))
    ]
    if not orders or any(_open(item) or item["status"] not in HAPPENED for item in orders):
        return None
    named = dict(chart.named)
    names = {drug_text(chart.records, item, named) for item in orders}
    others = [
        ref(item)
        for _, item in texts(chart)
        if item["resourceType"] != "MedicationRequest" and str(begun(item)).startswith(str(year))
    ]
    if len(orders) > SHOWN:
        return None
    return Expected(refs=frozenset(map(ref, orders)), need=len(names), also=frozenset(others), only=True)

"""Right answers about orders, reports, documents, what notes say, and imaging."""

import base64
import re
from functools import cache

from evals.gold.chart import Chart, names_of, plain_date
from evals.gold.expected import NOTHING, SHOWN, Claim, Day, Expected, Number, Words
from evals.gold.measurements import units_of
from evals.gold.records import Resource, codes, ref

RESULTS = ("DiagnosticReport", "Observation", "ImagingStudy")


def open_orders(chart: Chart) -> Expected | None:
    """The orders that have not ended."""
    held = chart.of("ServiceRequest")
    if any(item["status"] in {"draft", "on-hold", "unknown"} or item.get("doNotPerform") for item in held):
        return None
    waiting = [item for item in held if item["status"] == "active"]
    if not waiting:
        return NOTHING if not held else None
    names = {tuple(names_of(item.get("code"))) for item in waiting}
    also = frozenset(ref(item) for kind in RESULTS for item in chart.of(kind))
    return Expected(refs=frozenset(map(ref, waiting)), need=min(len(names), SHOWN), also=also, only=True)


def results_of(chart: Chart, loinc: frozenset[str]) -> Expected | None:
    """What came of the newest order of a test: the values of the results that are based on it."""
    orders = [
        item
        for item in chart.of("ServiceRequest")
        if codes(item.get("code")) & loinc and item["status"] == "completed"
    ]
    if not orders or any(len(item.get("authoredOn", "")) < 20 for item in orders):
        return None
    newest = max(orders, key=lambda item: str(item["authoredOn"]))
    if sum(item["authoredOn"] == newest["authoredOn"] for item in orders) > 1:
        return None
    found = [
        item
        for item in chart.of("Observation")
        if any(one.get("reference") == ref(newest) for one in item.get("basedOn", []))
    ]
    if len(found) != 1 or "value" not in found[0].get("valueQuantity", {}):
        return None
    quantity = found[0]["valueQuantity"]
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    said: Claim = Number(float(quantity["value"]), units_of(unit))
    return Expected((said,), frozenset({ref(found[0])}), also=frozenset({ref(newest)}))


def newest_of(chart: Chart, kinds: tuple[str, ...], likes: tuple[str, ...]) -> Expected | None:
    """The day of the newest document or report whose type holds one of the words; its results tell it too."""
    found = [
        (str(plain_date(item, "date", "effectiveDateTime")), item)
        for kind in kinds
        for item in chart.of(kind)
        if item.get("docStatus", "final") in {"final", "amended"}
        and item.get("status") in {"current", "final", "amended"}
        and any(
            like in name.lower() for name in names_of(item.get("type", item.get("code"))) for like in likes
        )
    ]
    if any(len(date) < 10 for date, _ in found):
        return None
    if not found:
        return NOTHING
    day = max(date[:10] for date, _ in found)
    newest = [item for date, item in found if date[:10] == day]
    results = {str(one["reference"]) for item in newest for one in item.get("result", [])}
    return Expected((Day(day),), frozenset(map(ref, newest)) | results)


def conclusion(chart: Chart, like: str) -> Expected | None:
    """What the newest report of a name concludes, in its words."""
    found = [
        item
        for item in chart.of("DiagnosticReport")
        if any(like in name.lower() for name in names_of(item["code"]))
    ]
    if not found or any("conclusion" not in item or item["status"] not in {"final"} for item in found):
        return None
    newest = max(found, key=lambda item: str(item["effectiveDateTime"]))
    if sum(item["effectiveDateTime"] == newest["effectiveDateTime"] for item in found) > 1:
        return None
    opening = re.split(r"[.,;] |\n", str(newest["conclusion"]).lower())[0].strip(" .")
    return Expected((Words((opening,)),), frozenset({ref(newest)})) if opening else None


@cache
def notes(chart: Chart) -> tuple[tuple[str, str], ...]:
    """Each plain-text note that stands, with its text in small letters."""
    found = []
    for item in chart.of("DocumentReference"):
        for part in item.get("content", []):
            attachment = part.get("attachment", {})
            if attachment.get("contentType", "").startswith("text/plain") and "data" in attachment:
                text = base64.b64decode(attachment["data"]).decode("utf-8", "replace").lower()
                found.append((ref(item), text))
    return tuple(found)


def mentioning(chart: Chart, word: str) -> Expected | None:
    """The notes that hold a word: an answer shows passages of some of them; or that none does."""
    standing = {ref(item) for item in chart.of("DocumentReference") if item.get("status") == "current"}
    if any(
        not part.get("attachment", {}).get("contentType", "").startswith("text/plain")
        for item in chart.of("DocumentReference")
        for part in item.get("content", [])
    ):
        return None
    holding = frozenset(name for name, text in notes(chart) if word in text and name in standing)
    if not notes(chart):
        return None
    forms = tuple(f"{word}{ending}" for ending in ("", "s", "es", "d", "ed", "ing", "al", "y"))
    return Expected((Words(forms),), holding) if holding else Expected(status="not_in_chart")


def studies(chart: Chart, modalities: set[str], site: str = "") -> list[Resource] | None:
    """The imaging studies of a modality (and of a body site), oldest first."""
    found = []
    for item in chart.of("ImagingStudy"):
        series = item.get("series", [])
        if item.get("status") != "available" or len(str(item.get("started"))) < 10 or not series:
            return None
        if not {one.get("modality", {}).get("code") for one in series} & modalities:
            continue
        if any(site in str(one.get("bodySite", {}).get("display", "")).lower() for one in series):
            found.append(item)
    return sorted(found, key=lambda item: (str(item["started"]), ref(item)))


def last_study(chart: Chart, found: list[Resource]) -> Expected:
    """The day of the newest study; its report and its procedure tell of it too."""
    if not found:
        return NOTHING
    day = str(found[-1]["started"])[:10]
    refs = frozenset(ref(item) for item in found if str(item["started"])[:10] == day)
    also = frozenset(
        ref(item)
        for kind in ("DiagnosticReport", "Procedure")
        for item in chart.of(kind)
        if str(
            plain_date(item, "effectiveDateTime", "performedDateTime", "performedPeriod.start")
        ).startswith(day)
    )
    return Expected((Day(day),), refs, also=also)


def count_studies(found: list[Resource]) -> Expected:
    """How many studies."""
    return Expected((Number(len(found)),), frozenset(map(ref, found))) if found else NOTHING

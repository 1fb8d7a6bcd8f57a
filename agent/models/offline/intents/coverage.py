"""Questions about insurance: what covers the patient now, at a time, and all that ever did."""

from itertools import permutations

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.wording import Draft, cite, day, name, noted, refs_of

_PAYERS = ("medicare", "medicaid", "commercial", "private", "public", "self pay")
CUES = {
    "past_insurance": (
        "past insurance", "previous insurance", "prior insurance", "former insurance", "old insurance",
    ),
    "insurance": (
        *(f"by {which} {payer}" for which in ("which", "what")
          for payer in ("payer", "payor", "insurer", "insurance", "plan", "health plan", "health insurer")),
        *(f"{is_it}{' '.join([*kinds[:-1], 'or', kinds[-1]])}" for is_it in ("", "is it ", "is he on ",
        "is she on ")
          for n in (2, 3) for kinds in permutations(_PAYERS, n)),
        "picks up the bill", "pick up the bill", "foots the bill", "foot the bill", "settles the bill",
        "picks up the bill for her care", "picks up the bill for his care", "picks up the tab",
        "medicare or something private", "medicare or private", "medicaid or private", "private or medicare",
        "medicare or something else", "under which insurance", "under what insurance", "under which plan",
        "insurance on record", "insurer on file", "insurer name", "name of the insurer",
        "name of her insurer",
        "name of his insurer", "name of her insurance", "name of his insurance", "name of the insurance",
        "insurance", "insured", "health insurance", "coverage", "insurance coverage", "health coverage",
        "health plan", "insurance plan", "insurer", "payer", "payor", "insurance company", "insured by",
        "insured with", "covered by", "covered", "insurance provider", "insurance status",
        "medical insurance", "who pays", "insurance carrier", "insurances", "health insurer",
        "insurance history", "insurance info", "insurance information", "insurance detail",
        "coverage info", "coverage information", "coverage detail", "insurance data", "insurance card",
        "payer info", "payer information", "insurance on file", "coverage on file", "health care coverage",
        "healthcare coverage", "health cover", "insurance cover", "medicare or medicaid",
        "medicare medicaid or private", "medicare medicaid private", "private or public insurance",
        "public or private insurance", "sick fund", "health fund", "insurance scheme",
        "paying for her care", "paying for his care", "pays for her care", "pays for his care",
        "pays for care", "which company", "what company", "by which company", "company", "insuring",
        "insurance company name", "pays for her", "pays for him", "pay for her", "pay for him",
        "insures her", "insures him", "who insures", "financial coverage", "payer of record",
        "insurance policy", "benefit plan", "health benefits", "insurance type", "third party payer",
        "payment source", "coverage status", "insured through", "footing the bill", "pays the bill",
        "payor info", "what plan is she on", "what plan is he on", "medical coverage", "kind of insurance",
        "health insurances",
    ),
}  # fmt: skip


def _item(row: Row) -> str:
    payer = f" by {row['payer']}" if row.get("payer") and row["payer"] != row.get("name") else ""
    since = f"from {day(row['date'])}" if "date" in row else "no start recorded"
    until = f" to {day(row['end'])}" if "end" in row else ""
    return (
        f"{name(row)}{payer} ({since}{until}, status {row.get('status', 'unknown')}) {cite(refs_of([row]))}"
    )


def _coverage(asked: Asked) -> Draft:
    """The coverage in force; at a time, all whose period reaches into it, whatever its status is by now."""
    asks = asked.reading.cues
    every = bool(asked.window) or bool(asks & cues("past history list past_insurance"))
    found = asked.chart.fetch(records("coverage", status="all" if every else "current"))
    rows = [row for row in found.rows if _reaches(row, asked.window)]
    if not rows:
        kind = "insurance" if every else "insurance in force"
        text = f"No {kind} is recorded in this chart{asked.said_window_to_now}.{noted(found.notes)}"
        return Draft(text, (), "not_in_chart" if found.complete else "needs_review")
    lead = "Insurance in force"
    if every:
        lead = "Insurance at that time" if asked.window else "Insurance then and now"
    return Draft(f"{lead}: {asked.wording.listed(rows, _item)}.{noted(found.notes)}", refs_of(rows[:10]))


def _reaches(row: Row, window: dict[str, str]) -> bool:
    """Whether the period overlaps the window, each compared as far as both are written."""
    since, until = window.get("since"), window.get("until")
    start, end = (str(row[key])[:10] if key in row else None for key in ("date", "end"))
    ends_before = since is not None and end is not None and end[: len(since)] < since[: len(end)]
    begins_after = until is not None and start is not None and start[: len(until)] > until[: len(start)]
    return not ends_before and not begins_after


INTENTS = (
    Intent(
        "coverage",
        _coverage,
        may=cues("what whether is active past history list who by_whom when latest taking and reason"),
        needs=(cues("insurance past_insurance"),),
        window=True,
    ),
)
